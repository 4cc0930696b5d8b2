"""Whether memory ran out, or a damaged file asked for more than any whole one could need."""

from __future__ import annotations

import re
import resource
from pathlib import Path

from classifier.media.types import Limits


def exhausted(limits: Limits) -> bool:
    """After a ``MemoryError``: whether this process really came near its limit.

    The largest block that a whole file needs is a picture of the allowed size, at most 8 bytes a
    pixel. Where that much was always left, a corrupt table named the size that was refused.
    """
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    if most == resource.RLIM_INFINITY:
        return False
    try:
        status = Path("/proc/self/status").read_text("ascii", "replace")
    except MemoryError:
        return True
    peak = re.search(r"^VmPeak:\s*(\d+) kB", status, re.MULTILINE)
    return peak is None or most - 1024 * int(peak[1]) < 8 * limits.pixels

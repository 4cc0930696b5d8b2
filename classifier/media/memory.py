"""Tell a process that ran out of memory from a damaged file that asks for an absurd amount."""

from __future__ import annotations

import re
import resource
from pathlib import Path

from classifier.media.types import Limits


def exhausted(limits: Limits) -> bool:
    """Return whether this process came near its memory limit; to be called after a ``MemoryError``.

    The largest block that a healthy file needs is one picture of the allowed size, at most 8 bytes
    per pixel. If that much memory was always left, the refused size came from a corrupt file.
    """
    address_limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if address_limit == resource.RLIM_INFINITY:
        return False
    try:
        status = Path("/proc/self/status").read_text("ascii", "replace")
    except MemoryError:
        return True
    peak = re.search(r"^VmPeak:\s*(\d+) kB", status, re.MULTILINE)
    return peak is None or address_limit - 1024 * int(peak[1]) < 8 * limits.pixels

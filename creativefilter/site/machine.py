"""What the machine, or the container, has: for defaults of the settings."""

from __future__ import annotations

import os
from pathlib import Path

# The limit of a container (cgroup v2); "max" where there is none.
_LIMIT = Path("/sys/fs/cgroup/memory.max")


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


def memory_bytes() -> int:
    """How much memory the machine has, or the container may use."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(total, int(_LIMIT.read_text("ascii")))
    except (OSError, ValueError):
        return total


def processes_for(memory_each: int, most: int) -> int:
    """One process for each processor, two at least, as far as the memory goes, one at least."""
    wanted = min(most, max(2, processors()))
    return max(1, min(wanted, memory_bytes() // memory_each))

"""Processors and memory of the machine or container, for defaults of settings."""

from __future__ import annotations

import os
from pathlib import Path

# Memory limit of the container (cgroup v2); "max" if there is none.
_LIMIT = Path("/sys/fs/cgroup/memory.max")


def processors() -> int:
    """Return how many processors this process may run on; CPU quotas are not considered."""
    return len(os.sched_getaffinity(0))


def memory_bytes() -> int:
    """Return the memory of the machine, or the container's limit if that is lower."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(total, int(_LIMIT.read_text("ascii")))
    except (OSError, ValueError):
        return total


def processes_for(memory_each: int, most: int) -> int:
    """Return how many processes to start: one per processor, at least two, at most ``most``.

    Too little memory reduces the number further, but never below one.

    Args:
        memory_each: Bytes that one process needs.
        most: Upper limit.
    """
    wanted = min(most, max(2, processors()))
    return max(1, min(wanted, memory_bytes() // memory_each))

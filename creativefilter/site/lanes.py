"""Lanes: which jobs go first, in which queue and at which message priority.

Every message belongs to one lane. A queue is named by the resource that a worker must have and by
the lane. There are ten message priorities; the broker serves lower numbers first, across queues.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

Resource = Literal["gpu", "cpu"]
RESOURCES: tuple[Resource, ...] = ("gpu", "cpu")


class Lane(StrEnum):
    """The lanes in the order in which they are served."""

    # A person waits for seconds: a creative, a small table, the survey of a spend table.
    INTERACTIVE = "interactive"
    # Short periodic work that must not wait: the sweep, the scan of the watched folder.
    UPKEEP = "upkeep"
    # A person waits for minutes: imports, exports, large tables, long creatives.
    LONG = "long"
    # Separate, since deliveries may wait for slow hosts.
    WEBHOOKS = "webhooks"
    BATCH = "batch"


PRIORITIES = {
    Lane.INTERACTIVE: range(3),
    Lane.UPKEEP: range(3, 4),
    Lane.LONG: range(4, 6),
    Lane.WEBHOOKS: range(6, 7),
    Lane.BATCH: range(7, 10),
}
PRIORITY_STEPS = list(range(10))
_CPU_ALONE = (Lane.UPKEEP, Lane.WEBHOOKS)
# Seconds after which a stage of many parts queues itself again (``kinds.Continued``).
TURN_SECONDS = 10.0
# Tables up to this size are read in seconds.
QUICK_BYTES = 5_000_000


def queue(lane: Lane, resource: Resource = "cpu") -> str:
    return f"{resource}-{lane}"


def priority(lane: Lane, stages_done: int = 0) -> int:
    """Return the message priority of a stage, 0 to 9; lower numbers are served first.

    Later stages go before earlier ones, so that creatives are finished one by one and not all at
    the end. Two neighbouring stages share a priority; in an analysis these never need the same
    resource.

    Args:
        lane: The lane.
        stages_done: Number of stages before this one.
    """
    steps = PRIORITIES[lane]
    return max(steps[0], steps[-1] - (stages_done + 1) // 2)


def of_bytes(size: int) -> Lane:
    """Return the lane for a table of that many bytes that a person waits for."""
    return Lane.INTERACTIVE if size <= QUICK_BYTES else Lane.LONG


# Every queue, in the order in which a worker that serves all of them takes jobs.
QUEUES = tuple(
    queue(lane, resource)
    for lane in Lane
    for resource in RESOURCES
    if resource == "cpu" or lane not in _CPU_ALONE
)
# Queues of the worker process that is reserved for people and upkeep.
RESERVED_QUEUES = tuple(name for name in QUEUES if name.endswith((Lane.INTERACTIVE, Lane.UPKEEP)))

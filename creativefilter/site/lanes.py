"""The lanes of the queue: what goes before what, in which queue, at which message priority.

Every message belongs to one of them. A queue is named by the resource that a worker must have and
by the lane. The broker serves lower priorities first, whatever the queue; there are ten of them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

Resource = Literal["gpu", "cpu"]
RESOURCES: tuple[Resource, ...] = ("gpu", "cpu")


class Lane(StrEnum):
    """In the order in which they are served."""

    # A person waits for seconds: a creative, a small table, a look at a file of spend.
    INTERACTIVE = "interactive"
    # Moments of work that must not wait: the sweep, the look into the watched folder.
    UPKEEP = "upkeep"
    # A person waits for minutes: imports, exports, large tables, long creatives.
    LONG = "long"
    # They may wait for a host that is slow.
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
# A stage of many parts lets others have their turn after so many seconds.
TURN_SECONDS = 10.0
# Up to so many bytes a table is read in seconds.
QUICK_BYTES = 5_000_000


def queue(lane: Lane, resource: Resource = "cpu") -> str:
    return f"{resource}-{lane}"


def priority(lane: Lane, stages_done: int = 0) -> int:
    """Later stages go before earlier ones: creatives come out one by one, not all at the end.

    Two neighbouring stages share a priority. Of the stages of an analysis those that need the
    same resource never do.
    """
    steps = PRIORITIES[lane]
    return max(steps[0], steps[-1] - (stages_done + 1) // 2)


def of_bytes(size: int) -> Lane:
    """The lane of a person's table of that size."""
    return Lane.INTERACTIVE if size <= QUICK_BYTES else Lane.LONG


# Every queue, in the order in which a worker that serves all of them asks for work.
QUEUES = tuple(
    queue(lane, resource)
    for lane in Lane
    for resource in RESOURCES
    if resource == "cpu" or lane not in _CPU_ALONE
)
# Those of the worker process that is kept free for people.
RESERVED_QUEUES = tuple(name for name in QUEUES if name.endswith((Lane.INTERACTIVE, Lane.UPKEEP)))

"""Files that a worker or beat touches while it works, for health checks of containers.

A shell can read the age of a file. Asking Celery would start a whole Python process each time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from celery.beat import PersistentScheduler
from celery.signals import heartbeat_sent


def touch_with_heartbeats(path: Path) -> None:
    """Touch the file with every heartbeat that the worker sends to the broker, every 2 s."""
    heartbeat_sent.connect(lambda **_: path.touch(), weak=False)


class Scheduler(PersistentScheduler):
    """Beat's scheduler, which touches ``file`` each time it checks its schedule."""

    file: ClassVar[Path | None] = None

    def tick(self, *args: Any, **kwargs: Any) -> float:
        seconds: float = super().tick(*args, **kwargs)
        if self.file:
            self.file.touch()
        return seconds

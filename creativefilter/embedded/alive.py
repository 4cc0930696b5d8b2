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
    """The scheduler of beat: touches ``file`` at each tick, and goes on when the clock is set back.

    Celery sends a task once its interval has passed since ``last_run_at``, by the wall clock. After
    the clock was set back by an hour it would send nothing for an hour.
    """

    file: ClassVar[Path | None] = None

    def tick(self, *args: Any, **kwargs: Any) -> float:
        self._limit_last_runs()
        seconds: float = super().tick(*args, **kwargs)
        if self.file:
            self.file.touch()
        return seconds

    def _limit_last_runs(self) -> None:
        """Set runs that lie in the future to now, and have the order of entries computed again."""
        ahead = [
            one
            for one in self.schedule.values()
            if one.last_run_at and one.last_run_at > one.default_now()
        ]
        for entry in ahead:
            entry.last_run_at = entry.default_now()
        if ahead:
            self._heap = None

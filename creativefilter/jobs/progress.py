"""Progress of a long stage on the row of its job."""

from __future__ import annotations

import time

from creativefilter.jobs import lifecycle
from creativefilter.jobs.kinds import JobError
from creativefilter.jobs.models import Job

# Seconds between two writes to the job's row.
WRITE_EVERY = 0.5


class Progress:
    """Writes how far a stage has come, and ends the stage once its claim no longer holds.

    Args:
        job: The job as it was claimed.
        stopped: Code of the error that ends a stage whose job was cancelled or taken over.
        begin: Percent of the job that lie before the stage.
        end: Percent of the job once the stage is done.
    """

    def __init__(self, job: Job, stopped: str, *, begin: int = 0, end: int = 99) -> None:
        self.job = job
        self.stopped = stopped
        self.begin = begin
        self.end = end
        self._written = float("-inf")

    def update(self, done: float) -> None:
        """Write the progress unless it was written within the last ``WRITE_EVERY`` seconds.

        Args:
            done: Share of the stage that is done, 0 to 1.

        Raises:
            JobError: The job was cancelled, or another worker has it.
        """
        now = time.monotonic()
        if now - self._written < WRITE_EVERY:
            return
        self._written = now
        percent = round(self.begin + done * (self.end - self.begin))
        if not lifecycle.progressed(self.job, percent):
            raise JobError(self.stopped)

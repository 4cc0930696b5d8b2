"""Progress of a long stage, written to the row of its job."""

from __future__ import annotations

import time

from creativefilter.jobs import stage_runner
from creativefilter.jobs.kinds import JobError
from creativefilter.jobs.models import Job

# Seconds between two writes to the job's row.
WRITE_EVERY = 0.5


class Progress:
    """Progress of a stage; ends the stage when its claim no longer holds.

    Args:
        job: The claimed job.
        stopped: Error code that ends a stage whose job was cancelled or taken over.
        begin: Progress of the job when the stage starts, 0-100.
        end: Progress of the job when the stage is done, 0-100.
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
            JobError: The job was cancelled or taken over by another worker.
        """
        now = time.monotonic()
        if now - self._written < WRITE_EVERY:
            return
        self._written = now
        percent = round(self.begin + done * (self.end - self.begin))
        if not stage_runner.write_progress(self.job, percent):
            raise JobError(self.stopped)

"""Answers that wait for a job, without ever taking all of the web threads."""

from __future__ import annotations

import threading
import time
from typing import Any

from django.conf import settings
from rest_framework import serializers

from creativefilter.api.core.strict_fields import Whole
from creativefilter.jobs.models import Job

POLL_SECONDS = 0.1

# At most half of the threads of this process wait; the other half keeps answering polls.
_places = threading.BoundedSemaphore(max(1, settings.WEB_THREADS // 2))


class WaitSerializer(serializers.Serializer[Any]):
    """How long the answer may wait for the job."""

    wait = Whole(
        required=False,
        default=0,
        min_value=0,
        max_value=60,
        help_text="Seconds to wait for the job to end before answering, 60 at most.",
    )


def wait_for(job: Job, seconds: float) -> bool:
    """Waits for the job to end and refreshes it. False if there was no place to wait.

    True says nothing of the job: look at its state.
    """
    if job.is_final or seconds <= 0:
        return True
    if not _places.acquire(blocking=False):
        return False
    try:
        deadline = time.monotonic() + seconds
        while not job.is_final and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            job.refresh_from_db()
    finally:
        _places.release()
    return True

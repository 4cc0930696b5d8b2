"""Responses that wait for a job, in at most half of the web threads."""

from __future__ import annotations

import threading
import time
from typing import Any

from django.conf import settings
from rest_framework import serializers

from creativefilter.api.core.strict_fields import Integer
from creativefilter.jobs.models import Job

POLL_SECONDS = 0.1

# Half of the threads of this process may wait; the others keep answering requests.
_slots = threading.BoundedSemaphore(max(1, settings.WEB_THREADS // 2))


class WaitSerializer(serializers.Serializer[Any]):
    """How long the answer may wait for the job."""

    wait = Integer(
        required=False,
        default=0,
        min_value=0,
        max_value=60,
        help_text="Seconds to wait for the job to end before answering, 60 at most.",
    )


def wait_for(job: Job, seconds: float) -> bool:
    """Wait until the job has ended or the time is over, and refresh it.

    Args:
        job: The job; its fields are read again from the database.
        seconds: The longest time to wait.

    Returns:
        False if too many requests are waiting already. True does not mean that the job has
        ended: check its state.
    """
    if job.is_final or seconds <= 0:
        return True
    if not _slots.acquire(blocking=False):
        return False
    try:
        deadline = time.monotonic() + seconds
        while not job.is_final and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            job.refresh_from_db()
    finally:
        _slots.release()
    return True

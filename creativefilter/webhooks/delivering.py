"""Sends what is due to one endpoint, one after the other.

At least once: a try is counted before it is made, and its row becomes due again by itself if
whoever made it never comes back. One sender at a time for an endpoint, and a rest after a failure,
so that a host which does not answer holds up nobody but its owner.
"""

from __future__ import annotations

import random
import time
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from creativefilter.webhooks import signing
from creativefilter.webhooks.models import Delivery, Endpoint
from creativefilter.webhooks.sending import Outcome, post

# Seconds before the second try, the third, ...; after the last of them it is given up.
DELAYS = (10, 60, 300, 1800, 7200, 28800)
# Spread, so that what failed together does not come back together.
JITTER = 0.2
# An endpoint that comes back is found within about half an hour, however long it was away.
LONGEST_REST = 1800
# Above the time of one try and of a slow look-up of the name.
LEASE = timedelta(seconds=60)
# A worker's process is lent for so long; then others have their turn.
TURN_SECONDS = 20.0

USER_AGENT = "CreativeFilter-Webhooks/1"


def deliver(endpoint_id: str) -> bool:
    """Sends what is due to an endpoint. True if more is due than fitted into one turn.

    Does nothing if somebody sends to it already, if it rests, or if it is off.
    """
    ends = time.monotonic() + TURN_SECONDS
    while (lease := _claim(endpoint_id)) is not None:
        while (delivery := _next(endpoint_id)) is not None:
            endpoint = Endpoint.objects.get(pk=endpoint_id)
            lease = _renew(endpoint_id, lease)
            outcome = _try(endpoint, delivery)
            _note(endpoint, delivery, outcome, lease)
            if not outcome.delivered:
                return False
            if time.monotonic() >= ends:
                break
        # Given back before the last look: what is written meanwhile finds the endpoint free.
        Endpoint.objects.filter(pk=endpoint_id, not_before=lease).update(not_before=timezone.now())
        if _next(endpoint_id, take=False) is None:
            return False
        if time.monotonic() >= ends:
            return True
    return False


def _claim(endpoint_id: str) -> datetime | None:
    """Until when the endpoint is ours; None if it is not to be had."""
    now = timezone.now()
    until = now + LEASE
    claimed = Endpoint.objects.filter(pk=endpoint_id, active=True, not_before__lte=now)
    return until if claimed.update(not_before=until) else None


def _renew(endpoint_id: str, lease: datetime) -> datetime:
    until = timezone.now() + LEASE
    renewed = Endpoint.objects.filter(pk=endpoint_id, not_before=lease).update(not_before=until)
    return until if renewed else lease


def _next(endpoint_id: str, take: bool = True) -> Delivery | None:
    """The delivery that waits longest, with its try counted and its row ours for a while."""
    now = timezone.now()
    waiting = Delivery.objects.filter(
        endpoint__pk=endpoint_id, state=Delivery.State.PENDING, next_attempt_at__lte=now
    ).order_by("next_attempt_at", "created_at")
    for delivery in waiting[:10]:
        mine = Delivery.objects.filter(
            pk=delivery.pk, state=Delivery.State.PENDING, attempts=delivery.attempts
        )
        if not take:
            return delivery
        if mine.update(
            attempts=F("attempts") + 1, next_attempt_at=now + LEASE, last_attempt_at=now
        ):
            delivery.attempts += 1
            return delivery
    return None


def _try(endpoint: Endpoint, delivery: Delivery) -> Outcome:
    body = delivery.body.encode()
    try:
        signed = signing.headers(endpoint, str(delivery.pk), int(time.time()), body)
    except signing.SecretLostError:
        return Outcome(None, "secret_lost")
    headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT, **signed}
    return post(endpoint.url, headers, body)


def _note(endpoint: Endpoint, delivery: Delivery, outcome: Outcome, lease: datetime) -> None:
    """Writes down how a try went, and when the next may be."""
    change: dict[str, Any] = {
        "status_code": outcome.status_code,
        "error": outcome.error,
        "answer": outcome.answer,
    }
    now = timezone.now()
    tried = delivery.attempts - delivery.attempts_before
    if outcome.delivered:
        change["state"] = Delivery.State.DELIVERED
    elif tried > len(DELAYS):
        change["state"] = Delivery.State.FAILED
    else:
        change["next_attempt_at"] = now + _pause(tried)
    mine = Delivery.objects.filter(
        pk=delivery.pk, state=Delivery.State.PENDING, attempts=delivery.attempts
    )
    with transaction.atomic():
        mine.update(**change)
        _judge(endpoint, outcome, now, lease)


def _judge(endpoint: Endpoint, outcome: Outcome, now: datetime, lease: datetime) -> None:
    """Lets an endpoint rest that fails, and switches it off after days of nothing but that."""
    row = Endpoint.objects.filter(pk=endpoint.pk)
    if outcome.delivered:
        row.update(failures=0, failing_since=None)
        return
    failures, since = endpoint.failures + 1, endpoint.failing_since or now
    row.update(failures=failures, failing_since=since)
    rest = min(_pause(failures), timedelta(seconds=LONGEST_REST))
    row.filter(not_before=lease).update(not_before=now + rest)
    long = now - since >= timedelta(days=settings.WEBHOOK_DISABLE_AFTER_DAYS)
    if long and failures > len(DELAYS):
        row.update(active=False, off_reason=Endpoint.Off.FAILING)


def _pause(failures: int) -> timedelta:
    """How long to wait after so many failures in a row (1, 2, ...)."""
    seconds = DELAYS[min(failures, len(DELAYS)) - 1]
    return timedelta(seconds=seconds * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311

"""Sending of the due deliveries of one endpoint, one after the other.

Deliveries are sent at least once: an attempt is counted before it is made, and the delivery becomes
due again if its sender never reports an outcome. An endpoint has one sender at a time, and pauses
after a failure (back-off), so a host that does not answer delays only the deliveries of its owner.
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

# Seconds before the second attempt, the third and so on. If the last of these attempts fails, the
# delivery has failed.
DELAYS = (10, 60, 300, 1800, 7200, 28800)
# Random share of each delay, so that deliveries that failed together are not retried together.
JITTER = 0.2
# Longest back-off of an endpoint, in seconds: a recovered endpoint is called within half an hour.
MAX_BACK_OFF = 1800
# Longer than an attempt (``sending.SECONDS``) with a slow name resolution.
LEASE = timedelta(seconds=60)
# Seconds after which a worker process is released for other endpoints.
TURN_SECONDS = 20.0

USER_AGENT = "CreativeFilter-Webhooks/1"


def deliver(endpoint_id: str) -> bool:
    """Send the due deliveries of an endpoint.

    Does nothing if another worker sends to the endpoint, or if the endpoint is in back-off or off.

    Returns:
        True if the turn has ended and more deliveries are due.
    """
    ends = time.monotonic() + TURN_SECONDS
    while (lease := _claim(endpoint_id)) is not None:
        while (delivery := _next_delivery(endpoint_id)) is not None:
            outcome = _attempt(delivery.endpoint, delivery)
            _record_outcome(delivery.endpoint, delivery, outcome, lease)
            if not outcome.delivered:
                return False
            if time.monotonic() >= ends:
                break
            if (lease := _renew(endpoint_id, lease)) is None:
                return False
        # Release the lease before the last check: a delivery that is written after the check finds
        # the endpoint free.
        Endpoint.objects.filter(pk=endpoint_id, not_before=lease).update(not_before=timezone.now())
        if _next_delivery(endpoint_id, take=False) is None:
            return False
        if time.monotonic() >= ends:
            return True
    return False


def _claim(endpoint_id: str) -> datetime | None:
    """Claim the endpoint. Returns the end of the lease; None if the endpoint is not available."""
    now = timezone.now()
    until = now + LEASE
    claimed = Endpoint.objects.filter(pk=endpoint_id, active=True, not_before__lte=now)
    return until if claimed.update(not_before=until) else None


def _renew(endpoint_id: str, lease: datetime) -> datetime | None:
    """Renew the claim. Returns the new end of the lease; None if the claim is lost.

    A claim is lost if its lease ran out and another worker claimed the endpoint, or if a person
    cleared the back-off (``outbox``): a message for another sender is on its way then.
    """
    until = timezone.now() + LEASE
    renewed = Endpoint.objects.filter(pk=endpoint_id, not_before=lease).update(not_before=until)
    return until if renewed else None


def _next_delivery(endpoint_id: str, take: bool = True) -> Delivery | None:
    """Return the delivery that has been due longest; None if none is due or the endpoint is off.

    With ``take`` the delivery is claimed for ``LEASE``, and its attempt is counted.
    """
    now = timezone.now()
    pending = Delivery.objects.filter(
        endpoint__pk=endpoint_id,
        endpoint__active=True,
        state=Delivery.State.PENDING,
        next_attempt_at__lte=now,
    ).order_by("next_attempt_at", "created_at")
    for delivery in pending.select_related("endpoint")[:10]:
        claimed = Delivery.objects.filter(
            pk=delivery.pk, state=Delivery.State.PENDING, attempts=delivery.attempts
        )
        if not take:
            return delivery
        if claimed.update(
            attempts=F("attempts") + 1, next_attempt_at=now + LEASE, last_attempt_at=now
        ):
            delivery.attempts += 1
            return delivery
    return None


def _attempt(endpoint: Endpoint, delivery: Delivery) -> Outcome:
    body = delivery.body.encode()
    try:
        signed = signing.headers(endpoint, str(delivery.pk), int(time.time()), body)
    except signing.SecretLostError:
        return Outcome(None, "secret_lost")
    headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT, **signed}
    return post(endpoint.url, headers, body)


def _record_outcome(
    endpoint: Endpoint, delivery: Delivery, outcome: Outcome, lease: datetime
) -> None:
    """Store the outcome of an attempt and the time of the next one.

    Nothing is changed if the claim is lost, that is, if a later attempt has been counted: its
    sender stores the outcome.
    """
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
        change["next_attempt_at"] = now + _back_off(tried)
    claimed = Delivery.objects.filter(
        pk=delivery.pk, state=Delivery.State.PENDING, attempts=delivery.attempts
    )
    with transaction.atomic():
        if claimed.update(**change):
            _update_endpoint(endpoint, outcome, now, lease)


def _update_endpoint(endpoint: Endpoint, outcome: Outcome, now: datetime, lease: datetime) -> None:
    """Set the back-off of a failing endpoint; switch it off after days without a success."""
    row = Endpoint.objects.filter(pk=endpoint.pk)
    if outcome.delivered:
        row.update(failures=0, failing_since=None)
        return
    failures, since = endpoint.failures + 1, endpoint.failing_since or now
    row.update(failures=failures, failing_since=since)
    back_off = min(_back_off(failures), timedelta(seconds=MAX_BACK_OFF))
    row.filter(not_before=lease).update(not_before=now + back_off)
    long = now - since >= timedelta(days=settings.WEBHOOK_DISABLE_AFTER_DAYS)
    if long and failures > len(DELAYS):
        row.update(active=False, off_reason=Endpoint.Off.FAILING)


def _back_off(failures: int) -> timedelta:
    """Return how long to wait after this number of failures in a row (1, 2, ...)."""
    seconds = DELAYS[min(failures, len(DELAYS)) - 1]
    return timedelta(seconds=seconds * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311

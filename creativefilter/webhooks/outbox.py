"""The outbox of deliveries: recorded as jobs end, listed when due, removed when old."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from creativefilter.jobs.models import Job
from creativefilter.webhooks.endpoints import EndpointError
from creativefilter.webhooks.models import TEST_EVENT, Delivery, Endpoint, Event
from creativefilter.webhooks.signals import announce_after_commit

_EVENT_OF = {
    Job.State.DONE: Event.DONE,
    Job.State.FAILED: Event.FAILED,
    Job.State.CANCELLED: Event.CANCELLED,
}
# Endpoints that one sweep hands to workers.
DUE_AT_ONCE = 200
# Old deliveries that one sweep removes; a limit keeps the sweep short.
REMOVE_AT_ONCE = 2000


def record(job: Job, **_signal: Any) -> None:
    """Create a delivery for each endpoint of the job's owner that subscribes to the event.

    Receiver of ``job_ended``. It runs in the transaction that ends the job, so a job never ends
    without its deliveries, and a rollback removes them.
    """
    owner = job.owner_id
    if owner is None:
        return
    event = _EVENT_OF[Job.State(job.state)]
    endpoints = Endpoint.objects.filter(owner=owner, active=True)
    subscribed = [endpoint for endpoint in endpoints if event in endpoint.events]
    Delivery.objects.bulk_create([_delivery(endpoint, event, job) for endpoint in subscribed])
    if subscribed:
        announce_after_commit(lambda: due(owner))


def send_test(endpoint: Endpoint) -> Delivery:
    """Create and send a test delivery.

    Raises:
        EndpointError: the endpoint is off (``webhook_off``).
    """
    _clear_back_off(endpoint)
    delivery = _delivery(endpoint, TEST_EVENT, None)
    delivery.save(force_insert=True)
    announce_after_commit(lambda: [str(endpoint.pk)])
    return delivery


def _delivery(endpoint: Endpoint, event: str, job: Job | None) -> Delivery:
    number = uuid.uuid4()
    message = {
        "id": str(number),
        "event": event,
        "created_at": timezone.now().isoformat(),
        "job": _job_summary(job) if job else None,
    }
    return Delivery(
        id=number,
        endpoint=endpoint,
        event=event,
        job=job.pk if job else None,
        body=json.dumps(message, ensure_ascii=False),
    )


def _job_summary(job: Job) -> dict[str, Any]:
    """Return the message's part about the job.

    Results are not included: a program reads them at ``url``, with its access token.
    """
    return {
        "id": str(job.pk),
        "kind": job.kind,
        "state": job.state,
        "url": urljoin(settings.PUBLIC_URL, reverse("api:job", args=[job.pk])),
        "created_at": job.created_at.isoformat(),
        "finished_at": job.finished_at.isoformat() if job.finished_at else None,
        "error": {"code": job.error_code} if job.state == Job.State.FAILED else None,
    }


def send_again(delivery: Delivery) -> None:
    """Send a delivery again, starting now, with as many attempts as a new delivery has.

    Raises:
        EndpointError: the endpoint is off (``webhook_off``).
    """
    _clear_back_off(delivery.endpoint)
    Delivery.objects.filter(pk=delivery.pk).update(
        state=Delivery.State.PENDING,
        attempts_before=F("attempts"),
        next_attempt_at=timezone.now(),
    )
    announce_after_commit(lambda: [str(delivery.endpoint_id)])


def _clear_back_off(endpoint: Endpoint) -> None:
    """Clear the endpoint's back-off. Raises ``EndpointError`` if the endpoint is off."""
    row = Endpoint.objects.filter(pk=endpoint.pk, active=True)
    if not row.update(not_before=timezone.now()):
        raise EndpointError("webhook_off")


def due(owner: int | None = None) -> list[str]:
    """Return the keys of endpoints with due deliveries, at most ``DUE_AT_ONCE``.

    Args:
        owner: key of the user whose endpoints to return; None for all users.
    """
    now = timezone.now()
    endpoints = Endpoint.objects.filter(active=True, not_before__lte=now)
    pending = Delivery.objects.filter(state=Delivery.State.PENDING, next_attempt_at__lte=now)
    if owner is not None:
        endpoints = endpoints.filter(owner=owner)
        pending = pending.filter(endpoint__owner=owner)
    found = endpoints.filter(pk__in=pending.order_by().values("endpoint"))
    return [
        str(pk) for pk in found.order_by("not_before").values_list("pk", flat=True)[:DUE_AT_ONCE]
    ]


def remove_old() -> None:
    """Delete deliveries older than ``WEBHOOK_HISTORY_DAYS``, at most ``REMOVE_AT_ONCE``."""
    before = timezone.now() - timedelta(days=settings.WEBHOOK_HISTORY_DAYS)
    old = Delivery.objects.filter(created_at__lt=before).order_by("created_at")
    if pks := list(old.values_list("pk", flat=True)[:REMOVE_AT_ONCE]):
        Delivery.objects.filter(pk__in=pks).delete()

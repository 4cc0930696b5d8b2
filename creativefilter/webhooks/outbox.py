"""What is to be told: written as jobs end, found when it is due, removed when it is old."""

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
from creativefilter.webhooks.signals import tell_after_commit

_EVENT_OF = {
    Job.State.DONE: Event.DONE,
    Job.State.FAILED: Event.FAILED,
    Job.State.CANCELLED: Event.CANCELLED,
}
# Endpoints that one sweep sets to work.
DUE_AT_ONCE = 200
# Old rows that one sweep removes, so that none takes long.
REMOVE_AT_ONCE = 2000


def record(job: Job, **_signal: Any) -> None:
    """A delivery for each endpoint of the owner that wants to hear of this end.

    Receiver of ``job_ended``: it runs in the transaction that ends the job, so there is no end
    without its deliveries and no delivery of an end that was rolled back.
    """
    owner = job.owner_id
    if owner is None:
        return
    event = _EVENT_OF[Job.State(job.state)]
    endpoints = Endpoint.objects.filter(owner=owner, active=True)
    wanting = [endpoint for endpoint in endpoints if event in endpoint.events]
    Delivery.objects.bulk_create([_delivery(endpoint, event, job) for endpoint in wanting])
    if wanting:
        tell_after_commit(lambda: due(owner))


def send_test(endpoint: Endpoint) -> Delivery:
    """A delivery by which its owner sees whether the endpoint works.

    Raises ``EndpointError`` (``webhook_off``) if it is off.
    """
    _hurry(endpoint)
    delivery = _delivery(endpoint, TEST_EVENT, None)
    delivery.save(force_insert=True)
    tell_after_commit(lambda: [str(endpoint.pk)])
    return delivery


def _delivery(endpoint: Endpoint, event: str, job: Job | None) -> Delivery:
    number = uuid.uuid4()
    message = {
        "id": str(number),
        "event": event,
        "created_at": timezone.now().isoformat(),
        "job": _told_of(job) if job else None,
    }
    return Delivery(
        id=number,
        endpoint=endpoint,
        event=event,
        job=job.pk if job else None,
        body=json.dumps(message, ensure_ascii=False),
    )


def _told_of(job: Job) -> dict[str, Any]:
    """As little as tells what to do: the rest is asked for at ``url``, by who may."""
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
    """Has a delivery sent once more, at once, with all its tries.

    Raises ``EndpointError`` (``webhook_off``) if its endpoint is off.
    """
    _hurry(delivery.endpoint)
    Delivery.objects.filter(pk=delivery.pk).update(
        state=Delivery.State.PENDING,
        attempts_before=F("attempts"),
        next_attempt_at=timezone.now(),
    )
    tell_after_commit(lambda: [str(delivery.endpoint_id)])


def _hurry(endpoint: Endpoint) -> None:
    """A person asks: the rest after a failure is over."""
    row = Endpoint.objects.filter(pk=endpoint.pk, active=True)
    if not row.update(not_before=timezone.now()):
        raise EndpointError("webhook_off")


def due(owner: int | None = None) -> list[str]:
    """The endpoints that something has to be sent to now; of one owner, or of all."""
    now = timezone.now()
    endpoints = Endpoint.objects.filter(active=True, not_before__lte=now)
    waiting = Delivery.objects.filter(state=Delivery.State.PENDING, next_attempt_at__lte=now)
    if owner is not None:
        endpoints = endpoints.filter(owner=owner)
        waiting = waiting.filter(endpoint__owner=owner)
    found = endpoints.filter(pk__in=waiting.order_by().values("endpoint"))
    return [
        str(pk) for pk in found.order_by("not_before").values_list("pk", flat=True)[:DUE_AT_ONCE]
    ]


def remove_old() -> None:
    """What was written longer ago than the history reaches back, delivered or not."""
    before = timezone.now() - timedelta(days=settings.WEBHOOK_HISTORY_DAYS)
    old = Delivery.objects.filter(created_at__lt=before).order_by("created_at")
    if pks := list(old.values_list("pk", flat=True)[:REMOVE_AT_ONCE]):
        Delivery.objects.filter(pk__in=pks).delete()

"""A user's endpoints: registered, changed, given new secrets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone

from creativefilter.accounts.audit import Action, record
from creativefilter.site.codes import CodedError
from creativefilter.webhooks import addresses, signing
from creativefilter.webhooks.models import Endpoint
from creativefilter.webhooks.signals import tell_after_commit

PER_USER = 10


class EndpointError(CodedError):
    """``field`` names what is to blame, if one field of the endpoint is."""

    def __init__(self, code: str, field: str = "") -> None:
        super().__init__(code)
        self.field = field


def of(owner: User) -> QuerySet[Endpoint]:
    """Nobody sees those of others."""
    return Endpoint.objects.filter(owner=owner)


def register(
    owner: User, url: str, events: Sequence[str], description: str = "", active: bool = True
) -> tuple[Endpoint, str]:
    """A new endpoint and its secret, which can't be had again. Raises ``EndpointError``."""
    _check(url)
    endpoint = Endpoint(
        owner=owner, url=url, events=list(events), description=description, active=active
    )
    secret = signing.renew(endpoint)
    with transaction.atomic():
        # Whoever registers at the same time waits here, so the limit holds.
        User.objects.select_for_update().get(pk=owner.pk)
        if of(owner).count() >= PER_USER:
            raise EndpointError("webhook_too_many")
        endpoint.save(force_insert=True)
        record(Action.WEBHOOK_ADDED, endpoint.url)
    return endpoint, secret


def change(endpoint: Endpoint, fields: dict[str, Any]) -> Endpoint:
    """Changes url, events, description or active. Raises ``EndpointError``.

    A new address, or being switched on, is a new start: old failures count no more. What waited
    for an active endpoint is sent.
    """
    if "url" in fields and fields["url"] != endpoint.url:
        _check(fields["url"])
    fresh = fields.get("url", endpoint.url) != endpoint.url or (
        fields.get("active", endpoint.active) and not endpoint.active
    )
    fields = dict(fields)
    if fresh:
        fields |= {"failures": 0, "failing_since": None, "not_before": timezone.now()}
    if fields.get("active", endpoint.active):
        fields["off_reason"] = ""
    for name, value in fields.items():
        setattr(endpoint, name, value)
    with transaction.atomic():
        endpoint.save(update_fields=list(fields))
        record(Action.WEBHOOK_CHANGED, endpoint.url)
    if endpoint.active:
        tell_after_commit(lambda: [str(endpoint.pk)])
    return endpoint


def new_secret(endpoint: Endpoint) -> str:
    """The old one signs nothing from now on. The new one can't be had again."""
    secret = signing.renew(endpoint)
    with transaction.atomic():
        endpoint.save(update_fields=["salt", "fingerprint"])
        record(Action.WEBHOOK_CHANGED, endpoint.url, secret="renewed")  # noqa: S106
    return secret


def _check(url: str) -> None:
    try:
        addresses.parse(url)
    except addresses.AddressError as error:
        raise EndpointError(error.code, "url") from error


@receiver(post_delete, sender=Endpoint)
def note_deletion(instance: Endpoint, **signal: Any) -> None:
    record(Action.WEBHOOK_DELETED, instance.url)

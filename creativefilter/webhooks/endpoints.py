"""Services for a user's endpoints: register, change, renew the secret."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.signals import pre_delete
from django.dispatch import receiver
from django.utils import timezone

from creativefilter.accounts.audit import Action, record
from creativefilter.site.codes import CodedError
from creativefilter.webhooks import addresses, signing
from creativefilter.webhooks.models import Endpoint
from creativefilter.webhooks.signals import announce_after_commit

PER_USER = 10


class EndpointError(CodedError):
    """An endpoint can't be saved or used. ``field`` names the invalid field; "" for none."""

    def __init__(self, code: str, field: str = "") -> None:
        super().__init__(code)
        self.field = field


def of(owner: User) -> QuerySet[Endpoint]:
    """Return the endpoints owned by ``owner``."""
    return Endpoint.objects.filter(owner=owner)


def register(
    owner: User, url: str, events: Sequence[str], description: str = "", active: bool = True
) -> tuple[Endpoint, str]:
    """Create an endpoint.

    Args:
        owner: the user whose jobs are reported.
        url: a public http(s) address.
        events: values of ``Event``.
        description: for the owner.
        active: whether deliveries are recorded and sent.

    Returns:
        The endpoint and its secret, which can't be shown again.

    Raises:
        EndpointError: the address is refused, or the owner has ``PER_USER`` endpoints.
    """
    _check(url)
    endpoint = Endpoint(
        owner=owner, url=url, events=list(events), description=description, active=active
    )
    secret = signing.renew(endpoint)
    with transaction.atomic():
        # Concurrent registrations wait for this lock, so the limit holds.
        User.objects.select_for_update().get(pk=owner.pk)
        if of(owner).count() >= PER_USER:
            raise EndpointError("webhook_too_many")
        endpoint.save(force_insert=True)
        record(Action.WEBHOOK_ADDED, endpoint.url)
    return endpoint, secret


def change(endpoint: Endpoint, fields: dict[str, Any]) -> Endpoint:
    """Change url, events, description or active.

    A new address, or switching on, resets the failures and the back-off. Pending deliveries of an
    active endpoint are sent.

    Args:
        endpoint: the endpoint.
        fields: new values by field name.

    Raises:
        EndpointError: the address is refused.
    """
    if "url" in fields and fields["url"] != endpoint.url:
        _check(fields["url"])
    is_reset = fields.get("url", endpoint.url) != endpoint.url or (
        fields.get("active", endpoint.active) and not endpoint.active
    )
    fields = dict(fields)
    if is_reset:
        fields |= {"failures": 0, "failing_since": None, "not_before": timezone.now()}
    if fields.get("active", endpoint.active):
        fields["off_reason"] = ""
    for name, value in fields.items():
        setattr(endpoint, name, value)
    with transaction.atomic():
        endpoint.save(update_fields=list(fields))
        record(Action.WEBHOOK_CHANGED, endpoint.url)
    if endpoint.active:
        announce_after_commit(lambda: [str(endpoint.pk)])
    return endpoint


def new_secret(endpoint: Endpoint) -> str:
    """Replace the secret and return the new one, which can't be shown again."""
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


# Before the deletion: the owner, whom the entry refers to, may be deleted together with it.
@receiver(pre_delete, sender=Endpoint)
def note_deletion(instance: Endpoint, **signal: Any) -> None:
    """Write an entry of the audit log."""
    record(Action.WEBHOOK_DELETED, instance.url)

"""The audit log: entries are written once, never changed, and deleted after ``AUDIT_DAYS``.

Services call ``record`` in the transaction of the action, so an entry exists if and only if the
action was done. The user and the address are taken from the current request. Without a request (in
a command or a worker) the address is empty, and so is the user unless ``by`` names one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from creativefilter.accounts.models import AuditEntry
from creativefilter.site.client_address import client_address

Action = AuditEntry.Action
# The most entries that one sweep deletes, because other writers wait meanwhile.
DELETED_AT_ONCE = 1000
_request: ContextVar[HttpRequest | None] = ContextVar("audited_request", default=None)


class AuditedRequests:
    """Middleware that lets ``record`` find the current request. Place it after authentication."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        token = _request.set(request)
        try:
            return self.get_response(request)
        finally:
            _request.reset(token)


def record(
    action: AuditEntry.Action, subject: object = "", *, by: User | str = "", **details: Any
) -> None:
    """Write an entry.

    Args:
        action: What was done.
        subject: What it was done to, in words that are still clear when the object is deleted.
        by: The user if the request has none, or the name that was entered at the login.
        details: Additional facts as plain JSON, without secrets.
    """
    request = _request.get()
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        user = by if isinstance(by, User) else None
    AuditEntry.objects.create(
        actor_id=user.pk if user else None,
        actor_name=(user.get_username() if user else str(by))[:150],
        action=action,
        subject=str(subject)[:255],
        address=client_address(request)[:64] if request else "",
        details=details,
    )


def remove_old() -> int:
    """Delete up to ``DELETED_AT_ONCE`` entries older than ``AUDIT_DAYS``; return their number."""
    oldest = timezone.now() - timedelta(days=settings.AUDIT_DAYS)
    old = AuditEntry.objects.filter(at__lt=oldest).order_by("at").values_list("pk", flat=True)
    count, _by_model = AuditEntry.objects.filter(pk__in=list(old[:DELETED_AT_ONCE])).delete()
    return count

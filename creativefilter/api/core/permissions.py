"""Who may call what: Django's model permissions, and what is private to its owner.

A view says what each of its methods wants:

    permission_classes = [RolePermissions]
    required = by_model("creatives.creative")                     # view, add, change, delete
    required = {"GET": "jobs.view_job", "POST": "jobs.change_job"}
    required = {"GET": None}                                      # any user who is logged in

Private resources are those of ``owned(queryset, request)``: somebody else's is a 404.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model, QuerySet
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

# One permission, all of several, or none beyond a login.
Wanted = str | Sequence[str] | None
Row = TypeVar("Row", bound=Model)


def by_model(label: str) -> dict[str, Wanted]:
    """What each method wants of the model ``app.model``."""
    app, model = label.lower().split(".")
    verbs = {
        "GET": "view",
        "POST": "add",
        "PUT": "change",
        "PATCH": "change",
        "DELETE": "delete",
    }
    return {method: f"{app}.{verb}_{model}" for method, verb in verbs.items()}


class RolePermissions(IsAuthenticated):
    """What ``required`` of the view says about the method; 401 without a login, else 403.

    Raises ``ImproperlyConfigured`` for a method that answers and of which nothing is said.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not super().has_permission(request, view):
            return False
        method = "GET" if request.method == "HEAD" else str(request.method)
        # Nothing is told of a resource by OPTIONS, and what has no handler is answered with 405.
        if method == "OPTIONS" or not hasattr(view, method.lower()):
            return True
        required: Mapping[str, Wanted] = getattr(view, "required", {})
        if method not in required:
            message = f"{type(view).__name__}.required says nothing of {method}"
            raise ImproperlyConfigured(message)
        wanted = required[method]
        return request.user.has_perms([wanted] if isinstance(wanted, str) else wanted or [])


class MaySubmit(BasePermission):
    """To have a creative classified: the right to add one, or PREDICT_ANONYMOUS."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if settings.PREDICT_ANONYMOUS:
            return True
        return bool(request.user and request.user.has_perm("creatives.add_creative"))


class MayAskAfterJobs(BasePermission):
    """Whoever is logged in; with PREDICT_ANONYMOUS a job's number is the key to nobody's jobs."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return settings.PREDICT_ANONYMOUS or bool(request.user and request.user.is_authenticated)


def owned(rows: QuerySet[Row], request: Request, field: str = "owner") -> QuerySet[Row]:
    """The rows of whoever asks; without a login those of nobody."""
    return rows.filter(**{field: request.user.pk})

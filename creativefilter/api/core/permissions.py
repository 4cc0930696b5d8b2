"""Permissions of views: Django's model permissions, and rows that are private to their owner.

A view declares which permission each of its methods requires:

    permission_classes = [RolePermissions]
    required = by_model("creatives.creative")                     # view, add, change, delete
    required = {"GET": "jobs.view_job", "POST": "jobs.change_job"}
    required = {"GET": None}                                      # any user who is logged in

Views of private rows filter them with ``owned(queryset, request)``; another user's row is a 404.
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

# One permission, several that are all required, or None: a login is enough.
Wanted = str | Sequence[str] | None
Row = TypeVar("Row", bound=Model)


def by_model(label: str) -> dict[str, Wanted]:
    """Return the permission that each HTTP method requires.

    Args:
        label: The model as ``app.model``.
    """
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
    """Requires what the view's ``required`` lists for the method.

    Without a login the answer is 401, without the permission 403.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return whether the user has the permission that the method requires.

        Raises:
            ImproperlyConfigured: The view handles the method but ``required`` does not list it.
        """
        if not super().has_permission(request, view):
            return False
        method = "GET" if request.method == "HEAD" else str(request.method)
        # OPTIONS reveals nothing about the resource; a method without a handler gets a 405.
        if method == "OPTIONS" or not hasattr(view, method.lower()):
            return True
        required: Mapping[str, Wanted] = getattr(view, "required", {})
        if method not in required:
            message = f"{type(view).__name__}.required does not list {method}"
            raise ImproperlyConfigured(message)
        wanted = required[method]
        return request.user.has_perms([wanted] if isinstance(wanted, str) else wanted or [])


class MaySubmit(BasePermission):
    """Requires the permission to add creatives, or the setting PREDICT_ANONYMOUS."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if settings.PREDICT_ANONYMOUS:
            return True
        return bool(request.user and request.user.has_perm("creatives.add_creative"))


class MayReadJobs(BasePermission):
    """Requires a login, or the setting PREDICT_ANONYMOUS.

    With that setting, a client without a login can read a job without an owner if it knows its ID.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        return settings.PREDICT_ANONYMOUS or bool(request.user and request.user.is_authenticated)


def owned(rows: QuerySet[Row], request: Request, field: str = "owner") -> QuerySet[Row]:
    """Return the rows of the requesting user; without a login, the rows without an owner.

    Args:
        rows: The rows to filter.
        request: The request of the user.
        field: The foreign key to the owner.
    """
    return rows.filter(**{field: request.user.pk})

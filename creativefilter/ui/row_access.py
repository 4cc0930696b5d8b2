"""Base classes for read-only change lists, and for change lists of the user's own rows."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest

from creativefilter.ui.model_admin import ModelAdmin


class ReadOnlyAdmin(ModelAdmin):
    """``ModelAdmin`` of rows that users can't add, change or delete."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OwnRowsAdmin(ModelAdmin):
    """``ModelAdmin`` that shows only the rows of the logged-in user."""

    # Lookup from a row to its owner.
    owner_field: ClassVar[str]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(**{self.owner_field: request.user})

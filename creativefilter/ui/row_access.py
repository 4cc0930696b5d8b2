"""Bases of lists whose rows nobody edits, or that show everybody their own rows alone."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest

from creativefilter.ui.model_admin import ModelAdmin


class ReadOnlyAdmin(ModelAdmin):
    """Rows that the program writes and people read."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OwnRowsAdmin(ModelAdmin):
    """Rows of the user who is logged in; those of others do not exist on these pages."""

    # The look-up that leads from a row to its owner.
    owner_field: ClassVar[str]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(**{self.owner_field: request.user})

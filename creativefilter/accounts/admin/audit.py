"""Admin page of the audit log, which is read-only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from creativefilter.accounts.models import AuditEntry
from creativefilter.ui.row_access import ReadOnlyAdmin


class ActorFilter(RelatedDropdownFilter):
    """Filter by user that lists only users with entries."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: Any
    ) -> list[tuple[Any, str]]:
        actors = AuditEntry.objects.order_by().values("actor")
        rows = User.objects.filter(pk__in=actors).order_by("username")
        return [(user.pk, user.get_username()) for user in rows]


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "person", "action", "subject", "address")
    list_filter = (("actor", ActorFilter), ("action", ChoicesDropdownFilter), "at")
    list_filter_submit = True
    list_per_page = 100
    search_fields = ("actor_name", "subject", "address")
    search_help_text = gettext_lazy("Person, what, from where")
    fields = ("at", "person", "action", "subject", "address", "details")
    date_hierarchy = "at"

    @display(description=gettext_lazy("person"), ordering="actor_name")
    def person(self, entry: AuditEntry) -> str:
        return entry.actor_name or "—"

"""Base of every page of the admin that lists rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest
from unfold.admin import ModelAdmin as ThemeModelAdmin

# What Django's own filters ask of a field. No pattern is among them: a regular expression of a
# stranger can take hours.
COMPARISONS = ("exact", "in", "isnull", "gt", "gte", "lt", "lte")


class ModelAdmin(ThemeModelAdmin):
    """A list that can be filtered by its declared filters alone.

    Django lets the address of a list filter by every field of the model with every lookup, which
    lets a reader guess hidden values letter by letter (``token__digest__startswith``).
    """

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Whether one of ``list_filter`` owns this parameter; Django answers others with 400."""
        return any(lookup in names for names in self._filter_parameters(request))

    def _filter_parameters(self, request: HttpRequest) -> Iterator[set[str]]:
        for declared in self.get_list_filter(request):
            name = getattr(declared, "parameter_name", None)
            if name is not None:
                yield {name}
                continue
            field = declared[0] if isinstance(declared, tuple | list) else declared
            yield set(_lookups_of(self.opts, str(field)))
        if day := self.date_hierarchy:
            yield {f"{day}__{part}" for part in ("year", "month", "day", "gte", "lt")}


def _lookups_of(opts: Any, field: str) -> Iterator[str]:
    """The parameters by which a filter compares a field, or the key that the field points to."""
    yield field
    yield from (f"{field}__{comparison}" for comparison in COMPARISONS)
    related = opts.get_field(field).remote_field
    if related is not None:
        key = related.model._meta.pk.name
        yield from (f"{field}__{key}__{comparison}" for comparison in ("exact", "in"))

"""Base class of every ``ModelAdmin`` of the project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest
from unfold.admin import ModelAdmin as ThemeModelAdmin

# Lookups that Django's own filters use. ``regex`` is not among them: matching a regular expression
# from a client can take hours.
COMPARISONS = ("exact", "in", "isnull", "gt", "gte", "lt", "lte")


class ModelAdmin(ThemeModelAdmin):
    """``ModelAdmin`` whose change list can only be filtered by ``list_filter``.

    In the query of a change list Django allows every lookup on fields of the model and on primary
    keys of related models, so that a user could guess hidden values letter by letter
    (``auth_token_set__digest__startswith``).
    """

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Whether a filter of ``list_filter`` uses this parameter; Django answers 400 if not."""
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
    """Yield the parameters with which a filter compares a field or the key of its related row."""
    yield field
    yield from (f"{field}__{comparison}" for comparison in COMPARISONS)
    related = opts.get_field(field).remote_field
    if related is not None:
        key = related.model._meta.pk.name
        yield from (f"{field}__{key}__{comparison}" for comparison in ("exact", "in"))

"""Search for Advertisement IDs in admin lists, in any spelling."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from creativefilter.creatives import ids
from creativefilter.ui.model_admin import ModelAdmin


class FindsIds(ModelAdmin):
    """List of rows with an ``advertisement_id``: a search for "0004297908" finds 4297908."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        name = ids.normal_or_given(search_term)
        if name != search_term and queryset.filter(advertisement_id=name).exists():
            search_term = name
        return super().get_search_results(request, queryset, search_term)

"""Per-process cache of slow answers, valid until spend or segments change.

Sums come from ``SpendTotal``, which is small. Counts of different advertisements need
``MonthlySpend``, whose millions of rows take a second to read.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache, wraps
from typing import TypeVar

from django.db.models import Count, Max, Q

from creativefilter.creatives.models import Segment
from creativefilter.spend.models import SpendImport, Watermark

R = TypeVar("R")
# Cached answers of each function.
MAX_ANSWERS = 64


def version() -> tuple[object, ...]:
    """Return a value that changes whenever spend rows or their segments change.

    Every import sets ``imported_at``, and ``segment_changes.catch_up``, which moves spend between
    segments, sets ``looked_at``. Deleting a creative marks its advertisement stale, so that the
    next ``catch_up`` sets ``looked_at`` even if no spend moves. A merge adds the probabilities of
    one segment to those of another even if no spend counts under it.
    """
    imported = Q(state=SpendImport.State.IMPORTED)
    imports = SpendImport.objects.aggregate(last=Max("imported_at"), n=Count("pk", filter=imported))
    looked_at = Watermark.objects.values_list("looked_at", flat=True).first()
    merges = Segment.objects.exclude(merged_into=None).values_list("number", "merged_into")
    return (looked_at, *imports.values(), *merges)


def cached(function: Callable[..., R]) -> Callable[..., R]:
    """Decorate a function to cache its last ``MAX_ANSWERS`` answers, by hashable arguments."""

    @lru_cache(maxsize=MAX_ANSWERS)
    def answer(_version: tuple[object, ...], *args: Hashable) -> R:
        return function(*args)

    @wraps(function)
    def ask(*args: Hashable) -> R:
        return answer(version(), *args)

    return ask

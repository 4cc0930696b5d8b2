"""Cache of answers that take long, valid until spend or segments change.

Sums come from ``SpendTotal``, which is small. How many different advertisements stand behind them
only ``MonthlySpend`` knows, whose millions of rows take a second to count.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache, wraps
from typing import TypeVar

from django.db.models import Count, Max, Q

from creativefilter.spend.models import SpendImport, Watermark

R = TypeVar("R")
# Answers that a process keeps, for each function.
KEPT = 64


def version() -> tuple[object, ...]:
    """Something that differs whenever rows of spend, or the segments they count under, changed.

    Every merge notes when it was; money moves between segments in ``segment_changes.catch_up``,
    which notes when it looked. Deleting a creative without a segment moves nothing, and shows when
    ``catch_up`` has looked thoroughly again: after ``segment_changes.OVERLAP`` at the latest.
    """
    imported = Q(state=SpendImport.State.IMPORTED)
    merged = SpendImport.objects.aggregate(last=Max("imported_at"), n=Count("pk", filter=imported))
    looked_at = Watermark.objects.values_list("looked_at", flat=True).first()
    return (looked_at, *merged.values())


def cached(function: Callable[..., R]) -> Callable[..., R]:
    """Keeps the last answers in this process; the arguments must be hashable."""

    @lru_cache(maxsize=KEPT)
    def answer(_version: tuple[object, ...], *args: Hashable) -> R:
        return function(*args)

    @wraps(function)
    def ask(*args: Hashable) -> R:
        return answer(version(), *args)

    return ask

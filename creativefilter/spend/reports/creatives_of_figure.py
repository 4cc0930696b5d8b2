"""The creatives behind a figure: what was spent on each of them under the same filters."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import BigIntegerField, QuerySet, Sum

from creativefilter.creatives.models import Creative
from creativefilter.spend.fields import roubles
from creativefilter.spend.models import Advertisement, BrandLine, MonthlySpend
from creativefilter.spend.reports.answer_cache import cached
from creativefilter.spend.reports.filters import Filters

# Rows that a stream looks up at once.
CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class CreativeSpend:
    """An Advertisement ID, and what was spent on it under the filters.

    ``creative`` is the key of its creative, None where that is not here. ``segment`` is the
    effective one, NOT_CLASSIFIED for none; ``probability`` and ``decision`` are those of the
    active model's prediction, also where a person reviewed it. Advertiser, brand and media type
    are those that the most money went to.
    """

    advertisement_id: str
    creative: int | None
    name: str
    segment: int
    probability: float | None
    decision: str | None
    reviewed: bool
    advertiser: str
    brand: str
    media_type: str
    amount: Decimal
    placements: int


class CreativesOfFigure:
    """Those that the filters let through, the largest spend first.

    A ``Paginator`` takes it; ``iterator`` streams all of it.
    """

    def __init__(self, filters: Filters) -> None:
        self.filters = filters

    def count(self) -> int:
        return _count(self.filters)

    def __len__(self) -> int:
        return self.count()

    def __getitem__(self, part: slice) -> list[CreativeSpend]:
        return self.described(list(self.sums()[part]))

    def iterator(self) -> Iterator[CreativeSpend]:
        """All of them, each 24 bytes of memory until it is described; gone ones are left out.

        No cursor is open while the caller has a row: it may write.
        """
        keys, amounts, placements = array("q"), array("q"), array("q")
        in_units = {"amount": Sum("amount", output_field=BigIntegerField())}
        for key, amount, count in self.sums(**in_units).iterator(CHUNK):
            keys.append(key)
            amounts.append(amount)
            placements.append(count)
        for first in range(0, len(keys), CHUNK):
            part = slice(first, first + CHUNK)
            rows = zip(keys[part], map(roubles, amounts[part]), placements[part], strict=True)
            yield from self.described(list(rows))

    def creatives(self) -> QuerySet[Creative]:
        """Their creatives, for labelling them at once; ids without one are not among them."""
        return Creative.objects.real().filter(spent__in=self.advertisements())

    def advertisements(self) -> QuerySet[Advertisement]:
        if self.filters.of_advertisements_alone:
            # Every advertisement that is kept has spend.
            return Advertisement.objects.filter(self.filters.on_advertisements())
        months = MonthlySpend.objects.filter(self.filters.on_months())
        return Advertisement.objects.filter(pk__in=months.values("advertisement"))

    def sums(self, **amount: Any) -> QuerySet[Any, Any]:
        """Key of the advertisement, ``amount`` (roubles unless told otherwise), placements."""
        amount = amount or {"amount": Sum("amount")}
        return (
            MonthlySpend.objects.filter(self.filters.on_months())
            .values_list("advertisement")
            .annotate(**amount, placements=Sum("placements"))
            .order_by("-amount", "advertisement")
        )

    def described(self, sums: list[tuple[int, Decimal, int]]) -> list[CreativeSpend]:
        """What is known of some of ``sums``, in the same order; of those that are still there."""
        found = Advertisement.objects.in_bulk([row[0] for row in sums])
        keys = [each.creative_id for each in found.values() if each.creative_id]
        # Any: the type checker knows no annotations.
        creatives: Any = Creative.objects.with_effective_segment().only("name").in_bulk(keys)
        brand_lines = self._brand_lines([row[0] for row in sums])
        rows = []
        for key, amount, placements in sums:
            each, names = found.get(key), brand_lines.get(key)
            if each is None or names is None:
                continue  # its months were replaced since
            creative = creatives.get(each.creative_id)
            rows.append(
                CreativeSpend(
                    advertisement_id=each.advertisement_id,
                    creative=each.creative_id,
                    name=creative.name if creative else "",
                    segment=each.segment,
                    probability=creative.probability if creative else None,
                    decision=creative.decision if creative else None,
                    reviewed=each.reviewed,
                    advertiser=names.advertiser,
                    brand=names.brand,
                    media_type=names.media_type,
                    amount=amount,
                    placements=placements,
                )
            )
        return rows

    def _brand_lines(self, keys: list[int]) -> dict[int, BrandLine]:
        """The brand line of each advertisement that most was spent on."""
        sums = (
            MonthlySpend.objects.filter(self.filters.on_months(), advertisement__in=keys)
            .values_list("advertisement", "brand_line")
            .annotate(amount=Sum("amount"))
            .order_by("advertisement", "amount", "-brand_line")
        )
        most = {advertisement: key for advertisement, key, _ in sums}
        found = BrandLine.objects.in_bulk(set(most.values()))
        return {advertisement: found[key] for advertisement, key in most.items()}


@cached
def _count(filters: Filters) -> int:
    return CreativesOfFigure(filters).advertisements().count()

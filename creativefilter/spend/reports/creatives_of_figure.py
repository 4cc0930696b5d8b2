"""The creatives behind a figure, with the spend of each under the same filters."""

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

# Rows that ``CreativesOfFigure.iterator`` looks up with one query.
CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class CreativeSpend:
    """An Advertisement ID with its spend under the filters.

    Attributes:
        advertisement_id: The Advertisement ID.
        creative: Key of its creative; None if it has none.
        name: Name of the creative; "" if there is none.
        segment: Effective segment; NOT_CLASSIFIED if there is none.
        probability: Probability of the active version's prediction, also if a person set the
            segment; None if there is no prediction.
        decision: Decision of this prediction; None if there is no prediction.
        reviewed: Whether a person set the segment.
        advertiser: Advertiser of the brand line with the most spend.
        brand: Brand of the brand line with the most spend.
        media_type: Media type of the brand line with the most spend.
        amount: Spend in roubles.
        placements: Number of placements.
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
    """The Advertisement IDs that the filters let through, the largest spend first.

    Can be passed to a ``Paginator``; ``iterator`` streams all of them.
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
        """Yield all rows, without those that were deleted meanwhile.

        Keys and sums are read first (24 bytes a row), so that no cursor is open while the caller
        handles a row: the caller may write to the database.
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
        """Return the creatives, to label all of them. IDs without a creative are left out."""
        return Creative.objects.real().filter(spent__in=self.advertisements())

    def advertisements(self) -> QuerySet[Advertisement]:
        """Return the advertisements that the filters let through, in no particular order."""
        if self.filters.of_advertisements_alone:
            # Every stored advertisement has spend: no join with it is needed.
            return Advertisement.objects.filter(self.filters.on_advertisements())
        months = MonthlySpend.objects.filter(self.filters.on_months())
        return Advertisement.objects.filter(pk__in=months.values("advertisement"))

    def sums(self, **amount: Any) -> QuerySet[Any, Any]:
        """Return tuples of advertisement key, spend and placements, the largest spend first.

        Args:
            amount: An aggregate named ``amount`` to use instead of the sum in roubles.
        """
        amount = amount or {"amount": Sum("amount")}
        return (
            MonthlySpend.objects.filter(self.filters.on_months())
            .values_list("advertisement")
            .annotate(**amount, placements=Sum("placements"))
            .order_by("-amount", "advertisement")
        )

    def described(self, sums: list[tuple[int, Decimal, int]]) -> list[CreativeSpend]:
        """Add segment, names and creative to rows of ``sums``, in the same order.

        Rows of advertisements that were deleted meanwhile are left out.
        """
        found = Advertisement.objects.in_bulk([row[0] for row in sums])
        keys = [each.creative_id for each in found.values() if each.creative_id]
        # Any: the type checker does not know the annotated attributes.
        creatives: Any = Creative.objects.with_effective_segment().only("name").in_bulk(keys)
        brand_lines = self._brand_lines([row[0] for row in sums])
        rows = []
        for key, amount, placements in sums:
            each, names = found.get(key), brand_lines.get(key)
            if each is None or names is None:
                continue  # an import has replaced its months meanwhile
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
        """Return the brand line with the most spend of each of these advertisements."""
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

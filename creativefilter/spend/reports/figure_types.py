"""Types of the figures that ``figures`` computes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import models
from django.utils.translation import gettext_lazy as _

from creativefilter.spend.reports.filters import PARAMETERS

# Number of a segment (NOT_CLASSIFIED for none), or a name ("" for one that is not known).
Key = int | str


class Dimension(models.TextChoices):
    """What figures are grouped by. ``label`` is the title for use within a sentence."""

    SEGMENT = "segment", _("segment")
    ADVERTISER = "advertiser", _("advertiser")
    BRAND = "brand", _("brand")
    MEDIA_TYPE = "media_type", _("media type")

    @property
    def filter_field(self) -> str:
        """Name of the field of ``Filters`` with the values of this dimension."""
        return f"{self.value}s"

    @property
    def parameter(self) -> str:
        """Query parameter that filters by this dimension."""
        return PARAMETERS[self.filter_field]


@dataclass(frozen=True, slots=True)
class Series:
    """Spend by month and key.

    Attributes:
        months: First days of all months from the first with spend to the last, without a gap.
        keys: Keys with the largest sums, the largest first.
        amounts: ``amounts[n][m]`` is the spend of ``keys[n]`` in ``months[m]``, in roubles.
        rest: ``rest[m]`` is the spend of all other keys in ``months[m]``; empty if there are none.
    """

    months: list[date]
    keys: list[Key]
    amounts: list[list[Decimal]]
    rest: list[Decimal]


@dataclass(frozen=True, slots=True)
class Total:
    """Spend of a key.

    Attributes:
        key: The key; None for all keys together that are not listed.
        amount: Spend in roubles.
        placements: Number of placements.
        advertisements: Number of Advertisement IDs, with or without a creative. An ID that two
            brands paid for counts for both.
        share: Share of the sum under the filters, 0 to 1.
    """

    key: Key | None
    amount: Decimal
    placements: int
    advertisements: int
    share: float


@dataclass(frozen=True, slots=True)
class Year:
    """Spend of a year by month, in roubles, January first.

    Months before the first or after the last month with spend are None.
    """

    year: int
    amounts: list[Decimal | None]


@dataclass(frozen=True, slots=True)
class Branch:
    """Spend of an advertiser on a brand in a segment, in roubles.

    If brand and segment are None, this is the remaining spend of the advertiser.
    """

    advertiser: str
    brand: str | None
    segment: int | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Point:
    """Spend and number of placements of an advertiser or an advertisement.

    ``key`` is the advertiser, with ``segment`` None, or the Advertisement ID.
    """

    key: str
    segment: int | None
    amount: Decimal
    placements: int


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that a filter can take, and its spend under the other filters, in roubles."""

    key: Key
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Overview:
    """Sums and counts of the spend that the filters let through.

    Attributes:
        amount: Spend in roubles.
        placements: Number of placements.
        advertisements: Number of Advertisement IDs: classified, unclassified and unknown ones.
        classified: IDs with a segment, from their creative or from a waiting label.
        unclassified: IDs with a creative and no segment.
        with_creative: IDs with a creative.
        first: First month with spend; None if there is no spend.
        last: Last month with spend; None if there is no spend.
    """

    amount: Decimal
    placements: int
    advertisements: int
    classified: int
    unclassified: int
    with_creative: int
    first: date | None
    last: date | None

    @property
    def unknown(self) -> int:
        """Number of IDs that have neither a creative nor a waiting label."""
        return self.advertisements - self.classified - self.unclassified

    @property
    def without_creative(self) -> int:
        """Number of IDs without a creative, with or without a waiting label."""
        return self.advertisements - self.with_creative

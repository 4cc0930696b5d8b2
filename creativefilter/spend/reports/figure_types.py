"""Types of the figures that ``figures`` computes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import models
from django.utils.translation import gettext_lazy as _

from creativefilter.spend.reports.filters import PARAMETERS

# A segment's number (NOT_CLASSIFIED for none) or a name, "" for one that is not known.
Key = int | str


class Dimension(models.TextChoices):
    """What spend is parted by; ``label`` is its title in the middle of a sentence."""

    SEGMENT = "segment", _("segment")
    ADVERTISER = "advertiser", _("advertiser")
    BRAND = "brand", _("brand")
    MEDIA_TYPE = "media_type", _("media type")

    @property
    def filter_field(self) -> str:
        """Field of ``Filters`` with the values of this dimension."""
        return f"{self.value}s"

    @property
    def parameter(self) -> str:
        """Parameter of an address that filters by this dimension."""
        return PARAMETERS[self.filter_field]


@dataclass(frozen=True, slots=True)
class Series:
    """Roubles by month: ``amounts[n][m]`` is that of ``keys[n]`` in ``months[m]``.

    ``months`` are first days, from the first with spend to the last without a gap. Keys with the
    largest sums come first; ``rest[m]`` is the sum of all others, empty where there are none.
    """

    months: list[date]
    keys: list[Key]
    amounts: list[list[Decimal]]
    rest: list[Decimal]


@dataclass(frozen=True, slots=True)
class Total:
    """What was spent on a key; ``key`` is None for all that are not shown one by one.

    ``advertisements`` counts Advertisement IDs, whether their creatives are here or not. One that
    two brands paid for counts for both. ``share`` of the filtered sum, 0 to 1.
    """

    key: Key | None
    amount: Decimal
    placements: int
    advertisements: int
    share: float


@dataclass(frozen=True, slots=True)
class Year:
    """Roubles of a year by month, January first; None where nothing is known of a month."""

    year: int
    amounts: list[Decimal | None]


@dataclass(frozen=True, slots=True)
class Branch:
    """What an advertiser spent on a brand with creatives of a segment.

    Without brand and segment (None) it is the remaining spend of the advertiser.
    """

    advertiser: str
    brand: str | None
    segment: int | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Point:
    """Spend against the number of placements: of an advertiser or of a creative (its id)."""

    key: str
    segment: int | None
    amount: Decimal
    placements: int


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that a filter can take, and what is spent on it under the other filters."""

    key: Key
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Overview:
    """What the filters let through, in a few numbers.

    ``advertisements`` are different ids: ``classified`` those that have a segment, by their
    creative or by a label that waits for it; ``unclassified`` those that have a creative and no
    segment; and ``unknown``. ``first`` and ``last`` month.
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
        """Ids of which neither a creative is here nor a label waits for it."""
        return self.advertisements - self.classified - self.unclassified

    @property
    def without_creative(self) -> int:
        """Ids whose creative is not here, with or without a label that waits for it."""
        return self.advertisements - self.with_creative

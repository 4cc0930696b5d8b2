"""What the segments probably cost, by all that the model's probabilities say, and how sure that is.

The charts give all the money of a creative to its most probable segment. Here a label counts as
certain, and a prediction for as much as it is worth: the money of a creative that is 70 % sure is
spread over its segments. Money without a prediction stays out of it: it is not classified.

The interval holds for a calibrated model and creatives that it misjudges independently of one
another; near duplicates are misjudged together (``benchmarks/spend_report.py`` prints what that
costs). ``totals.recount_jobs.keep_up`` has to be called before, as for all figures; where there
are very many predictions ``expected_spend_jobs`` leaves it to a job.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db.models import BigIntegerField, F, Max, Sum

from classifier.segments import NUMBERS
from creativefilter.creatives.models import Prediction
from creativefilter.spend.fields import PLACES, UNIT
from creativefilter.spend.models import (
    NOT_CLASSIFIED,
    Advertisement,
    MonthlySpend,
    SpendTotal,
)
from creativefilter.spend.reports.answer_cache import cached
from creativefilter.spend.reports.filters import Filters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHUNK = 2_000
COUNT = 20
_NAMES = [str(number) for number in NUMBERS]


@dataclass(frozen=True, slots=True)
class ExpectedSpend:
    """A segment in roubles. ``counted`` is what the charts show, ``certain`` what of it a person
    labelled; ``expected`` lies between ``low`` and ``high`` with ``simulation.COVERAGE``."""

    segment: int
    counted: Decimal
    certain: Decimal
    expected: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class ReviewCandidate:
    """An unreviewed creative. ``at_stake``: the standard deviation, in roubles, that it adds to
    the segments' sums. ``share`` of it in the sum of their variances, 0 to 1."""

    creative: int
    advertisement_id: str
    name: str
    segment: int
    probability: float
    amount: Decimal
    at_stake: Decimal
    share: float


@dataclass(frozen=True, slots=True)
class ReviewGain:
    """What reviewing these creatives brings, the most uncertain money first.

    ``width`` is that of all segments' intervals together, ``width_after`` once these are
    reviewed; ``predicted`` counts the creatives whose segment is only predicted.
    """

    creatives: tuple[ReviewCandidate, ...]
    width: Decimal
    width_after: Decimal
    predicted: int

    @property
    def narrowing(self) -> float:
        """The share of the width that goes, 0 to 1."""
        return float(1 - self.width_after / self.width) if self.width else 0.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """Every segment that has money or may have some, by number; and what is left out of it."""

    segments: tuple[ExpectedSpend, ...]
    not_classified: Decimal


def study(filters: Filters, count: int = COUNT) -> tuple[Estimate, ReviewGain]:
    """What each segment probably costs, and the ``count`` creatives that are worth reviewing.

    The latter are unreviewed, and ordered by how much the sum of the segments' variances falls when
    each is reviewed. Both are made of the same numbers.
    """
    return _study(filters, count, last_prediction())


def _counted(filters: Filters) -> dict[tuple[int, bool], Decimal]:
    rows = SpendTotal.objects.filter(filters.on_totals()).values_list("segment", "reviewed")
    sums = rows.annotate(amount=Sum("amount")).order_by("segment", "reviewed")
    return {(segment, reviewed): amount for segment, reviewed, amount in sums}


def last_prediction() -> int | None:
    """Newest prediction: part of the cache key, as it may change no sum but probabilities."""
    last: int | None = Prediction.objects.aggregate(last=Max("pk"))["last"]
    return last


@cached
def _study(filters: Filters, count: int, _last: int | None) -> tuple[Estimate, ReviewGain]:
    # Loaded where it is needed: pages without these figures do without it.
    from creativefilter.spend.reports import simulation

    predicted = _load(filters)
    before = simulation.spread(predicted.amounts, predicted.probabilities)
    variances = simulation.variances(predicted.amounts, predicted.probabilities)
    chosen = [n for n in (-variances).argsort(kind="stable")[:count] if variances[n] > 0]
    after = predicted.without(chosen)
    left = simulation.spread(after.amounts, after.probabilities)
    worth = ReviewGain(
        creatives=_described(predicted, chosen, variances),
        width=_money(before.width),
        width_after=_money(min(left.width, before.width)),
        predicted=len(predicted.amounts),
    )
    return _estimate(_counted(filters), before), worth


def _estimate(counted: dict[tuple[int, bool], Decimal], spread: Any) -> Estimate:
    rows = []
    for n, number in enumerate(NUMBERS):
        certain = counted.get((number, True), Decimal(0))
        shown = certain + counted.get((number, False), Decimal(0))
        if shown or spread.high[n] >= 1 / UNIT:
            middle, low, high = (
                certain + _money(ends[n]) for ends in (spread.expected, spread.low, spread.high)
            )
            # Of one creative alone the interval is all or nothing, and the mean lies between.
            low, high = min(low, middle), max(high, middle)
            rows.append(ExpectedSpend(number, shown, certain, middle, low, high))
    nothing = sum((v for (number, _), v in counted.items() if number == NOT_CLASSIFIED), Decimal(0))
    return Estimate(tuple(rows), nothing)


def _money(value: float) -> Decimal:
    """Of an estimate, which is no exact sum: rounded to what the column holds."""
    return Decimal(round(float(value) * UNIT)).scaleb(-PLACES)


@dataclass(frozen=True, slots=True)
class _Predicted:
    """Unreviewed advertisements with a segment: keys, roubles (n,), probabilities (18, n)."""

    keys: NDArray[np.int64]
    amounts: NDArray[np.float64]
    probabilities: NDArray[np.float64]

    def without(self, places: list[int]) -> _Predicted:
        import numpy as np

        return _Predicted(
            np.delete(self.keys, places),
            np.delete(self.amounts, places),
            np.delete(self.probabilities, places, axis=1),
        )


def _load(filters: Filters) -> _Predicted:
    import numpy as np

    spent = (
        MonthlySpend.objects.filter(filters.on_months(), advertisement__reviewed=False)
        .exclude(advertisement__segment=NOT_CLASSIFIED)
        .values_list("advertisement", "advertisement__segment")
        .annotate(units=Sum("amount", output_field=BigIntegerField()))
        .order_by("advertisement")
    )
    columns = np.dtype([("key", np.int64), ("segment", np.int64), ("units", np.int64)])
    # Both iterators are read to their end here, and nothing is written meanwhile.
    rows = np.fromiter((row for row in spent.iterator(CHUNK) if row[2]), columns)
    keys, amounts = rows["key"], rows["units"] / UNIT
    probabilities = np.zeros((len(NUMBERS), len(keys)))
    # Of a prediction without probabilities nothing is known but its segment.
    probabilities[np.searchsorted(NUMBERS, rows["segment"]), np.arange(len(keys))] = 1
    for key, said in _predictions(filters):
        n = int(np.searchsorted(keys, key))
        if any(said.values()) and n < len(keys) and keys[n] == key:
            probabilities[:, n] = [said.get(number, 0.0) for number in _NAMES]
    # Rounded ones need not sum up to 1.
    probabilities /= probabilities.sum(axis=0)
    return _Predicted(keys, amounts, probabilities)


def _predictions(filters: Filters) -> Iterator[tuple[int, dict[str, float]]]:
    """Advertisement and probabilities; of several for one advertisement the last counts."""
    rows = (
        Prediction.objects.filter(
            filters.on_advertisements("creative__spent__"),
            model_version__is_active=True,
            media=F("creative__current_media"),
            segment__isnull=False,
            creative__spent__reviewed=False,
        )
        .values_list("creative__spent", "probabilities")
        .order_by("pk")
    )
    return iter(rows.iterator(CHUNK))


def _described(
    predicted: _Predicted, places: list[int], variances: NDArray[np.float64]
) -> tuple[ReviewCandidate, ...]:
    keys = [int(predicted.keys[n]) for n in places]
    found = Advertisement.objects.select_related("creative").in_bulk(keys)
    whole = float(variances.sum())
    rows = []
    for key, n in zip(keys, places, strict=True):
        each = found[key]
        if each.creative is None:  # deleted since
            continue
        rows.append(
            ReviewCandidate(
                creative=each.creative.pk,
                advertisement_id=each.advertisement_id,
                name=each.creative.name,
                segment=each.segment,
                probability=float(predicted.probabilities[NUMBERS.index(each.segment), n]),
                amount=_money(predicted.amounts[n]),
                at_stake=_money(variances[n] ** 0.5),
                share=float(variances[n]) / whole,
            )
        )
    return tuple(rows)

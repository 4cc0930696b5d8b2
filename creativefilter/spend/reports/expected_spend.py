"""Expected spend by segment with intervals, from the probabilities of all predictions.

The charts count all the spend of a creative under its most probable segment. Here a label counts
as certain, and the spend of a creative that is only predicted is divided among the segments by
their probabilities. Spend without a segment is left out.

The interval is right if the model is calibrated and misjudges creatives independently of one
another; near duplicates are misjudged together (``benchmarks/spend_intervals.py`` measures how
much coverage that costs). Call ``totals.recount_jobs.keep_up`` before, as for all figures. With
very many predictions ``expected_spend_jobs`` has a job compute the intervals.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db.models import BigIntegerField, F, Max, Sum

from creativefilter.creatives.analysis import redecision
from creativefilter.creatives.models import DecisionParameters, Prediction
from creativefilter.creatives.segments.directory import Directory
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


@dataclass(frozen=True, slots=True)
class ExpectedSpend:
    """Expected spend of a segment. Amounts are in roubles.

    Attributes:
        segment: Number of the segment.
        counted: Spend that the charts count under the segment.
        certain: The part of ``counted`` that a person labelled.
        expected: Expected value of the spend.
        low: Lower end of the interval that contains the true spend with the probability
            ``simulation.COVERAGE``.
        high: Upper end of this interval.
    """

    segment: int
    counted: Decimal
    certain: Decimal
    expected: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class ReviewCandidate:
    """A creative to review, with what it contributes to the uncertainty of expected spend.

    Attributes:
        creative: Key of the creative.
        advertisement_id: Its Advertisement ID.
        name: Its name.
        segment: Its predicted segment.
        probability: Probability of this segment.
        amount: Its spend in roubles.
        at_stake: Square root of the variance that it adds to the segments' sums, in roubles.
        share: Its share of the sum of the segments' variances, 0 to 1.
    """

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
    """How much reviewing some creatives narrows the intervals.

    Attributes:
        creatives: The creatives to review, the largest variance first.
        width: Sum of the widths of all segments' intervals, in roubles.
        width_after: The same once these creatives are reviewed.
        predicted: Number of creatives whose segment is only predicted.
    """

    creatives: tuple[ReviewCandidate, ...]
    width: Decimal
    width_after: Decimal
    predicted: int

    @property
    def narrowing(self) -> float:
        """By which share the intervals get narrower, 0 to 1."""
        return float(1 - self.width_after / self.width) if self.width else 0.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """Expected spend of all segments that have or may have spend, and the spend without a segment.

    ``segments`` are in the order of their numbers; ``not_classified`` is in roubles.
    """

    segments: tuple[ExpectedSpend, ...]
    not_classified: Decimal


def study(filters: Filters, count: int = COUNT) -> tuple[Estimate, ReviewGain]:
    """Estimate the spend of each segment, and select the creatives that are worth reviewing.

    Both come from the same simulation.

    Args:
        filters: The spend to estimate.
        count: Number of creatives to select: those whose review lowers the sum of the segments'
            variances the most.
    """
    return _study(filters, count, last_prediction())


def _counted(filters: Filters, directory: Directory) -> dict[tuple[int, bool], Decimal]:
    """Return the spend by segment and review; a job may not have moved that of merged ones yet."""
    rows = SpendTotal.objects.filter(filters.on_totals()).values_list("segment", "reviewed")
    sums: dict[tuple[int, bool], Decimal] = defaultdict(Decimal)
    for segment, reviewed, amount in rows.annotate(Sum("amount")).order_by():
        sums[directory.counted_number(segment), reviewed] += amount
    return sums


def last_prediction() -> tuple[object, ...]:
    """Return the newest prediction, and how far the job is that decides creatives again.

    They are part of the cache key: both may change probabilities without changing any sum.
    """
    last: int | None = Prediction.objects.aggregate(last=Max("pk"))["last"]
    job = redecision.latest()
    return (last, *((str(job.pk), job.progress, job.state) if job else ()))


@cached
def _study(filters: Filters, count: int, _last: tuple[object, ...]) -> tuple[Estimate, ReviewGain]:
    # Imported here: the module loads numpy, which other pages do not need.
    from creativefilter.spend.reports import simulation

    directory = Directory.read()
    predicted = _load(filters, directory)
    before = simulation.spread(predicted.amounts, predicted.probabilities)
    variances = simulation.variances(predicted.amounts, predicted.probabilities)
    chosen = [n for n in (-variances).argsort(kind="stable")[:count] if variances[n] > 0]
    after = predicted.without(chosen)
    left = simulation.spread(after.amounts, after.probabilities)
    worth = ReviewGain(
        creatives=_described(predicted, chosen, variances, directory),
        width=_money(before.width),
        width_after=_money(min(left.width, before.width)),
        predicted=len(predicted.amounts),
    )
    return _estimate(_counted(filters, directory), predicted.numbers, before), worth


def _estimate(
    counted: dict[tuple[int, bool], Decimal], numbers: Sequence[int], spread: Any
) -> Estimate:
    rows = []
    for n, number in enumerate(numbers):
        certain = counted.get((number, True), Decimal(0))
        shown = certain + counted.get((number, False), Decimal(0))
        if shown or spread.high[n] >= 1 / UNIT:
            middle, low, high = (
                certain + _money(ends[n]) for ends in (spread.expected, spread.low, spread.high)
            )
            # If one creative decides, the interval may be just 0 or just its whole spend, while the
            # mean lies between: extend the interval to the mean.
            low, high = min(low, middle), max(high, middle)
            rows.append(ExpectedSpend(number, shown, certain, middle, low, high))
    nothing = sum((v for (number, _), v in counted.items() if number == NOT_CLASSIFIED), Decimal(0))
    return Estimate(tuple(rows), nothing)


def _money(value: float) -> Decimal:
    """Round an estimate in roubles to the decimal places of ``MoneyField``."""
    return Decimal(round(float(value) * UNIT)).scaleb(-PLACES)


@dataclass(frozen=True, slots=True)
class _Predicted:
    """Unreviewed advertisements with a segment.

    Attributes:
        numbers: All segments that count, ascending.
        keys: Keys of the advertisements, (n,).
        amounts: Their spend in roubles, (n,).
        probabilities: Probabilities in the order of ``numbers``, (segments, n).
    """

    numbers: Sequence[int]
    keys: NDArray[np.int64]
    amounts: NDArray[np.float64]
    probabilities: NDArray[np.float64]

    def without(self, places: list[int]) -> _Predicted:
        import numpy as np

        return _Predicted(
            self.numbers,
            np.delete(self.keys, places),
            np.delete(self.amounts, places),
            np.delete(self.probabilities, places, axis=1),
        )


def _load(filters: Filters, directory: Directory) -> _Predicted:
    import numpy as np

    numbers = sorted(set(map(directory.counted_number, directory.by_number)))

    spent = (
        MonthlySpend.objects.filter(filters.on_months(), advertisement__reviewed=False)
        .exclude(advertisement__segment=NOT_CLASSIFIED)
        .values_list("advertisement", "advertisement__segment")
        .annotate(units=Sum("amount", output_field=BigIntegerField()))
        .order_by("advertisement")
    )
    columns = np.dtype([("key", np.int64), ("segment", np.int64), ("units", np.int64)])
    # SQLite can't write while a cursor is open: both iterators are read to their end first.
    rows = np.fromiter((row for row in spent.iterator(CHUNK) if row[2]), columns)
    keys, amounts = rows["key"], rows["units"] / UNIT
    probabilities = np.zeros((len(numbers), len(keys)))
    # A prediction without probabilities counts as certain.
    segments = [directory.counted_number(number) for number in rows["segment"].tolist()]
    probabilities[np.searchsorted(numbers, segments), np.arange(len(keys))] = 1
    for key, by_segment in _predictions(filters):
        n = int(np.searchsorted(keys, key))
        if any(by_segment.values()) and n < len(keys) and keys[n] == key:
            shares = directory.merged_shares(by_segment)
            probabilities[:, n] = [shares.get(number, 0.0) for number in numbers]
    # Stored probabilities may be rounded, so that they do not sum up to 1.
    probabilities /= probabilities.sum(axis=0)
    return _Predicted(numbers, keys, amounts, probabilities)


def _predictions(filters: Filters) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield the key of each advertisement and the probabilities; the last ones count."""
    import numpy as np

    from classifier.decision.rule import shares

    rows = (
        Prediction.objects.filter(
            filters.on_advertisements("creative__spent__"),
            media=F("creative__current_media"),
            segment__isnull=False,
            creative__spent__reviewed=False,
        )
        .values_list("creative__spent", "former_probabilities", "parameters", "inputs__values")
        .order_by("model_version__is_active", "pk")
    )
    parameters: dict[int, tuple[list[str], NDArray[np.float64]]] = {}
    for key, former, by, values in rows.iterator(CHUNK):
        if by is None or not values:
            yield key, former
            continue
        if by not in parameters:
            stored = DecisionParameters.objects.get(pk=by).values
            parameters[by] = list(map(str, stored["numbers"])), np.array(stored["factors"])
        numbers, factors = parameters[by]
        found = shares(bytes(values), factors)
        yield key, dict(zip(numbers, found.tolist(), strict=True))


def _described(
    predicted: _Predicted, places: list[int], variances: NDArray[np.float64], directory: Directory
) -> tuple[ReviewCandidate, ...]:
    keys = [int(predicted.keys[n]) for n in places]
    found = Advertisement.objects.select_related("creative").in_bulk(keys)
    whole = float(variances.sum())
    rows = []
    for key, n in zip(keys, places, strict=True):
        each = found.get(key)
        if each is None or each.creative is None:  # removed meanwhile
            continue
        segment = directory.counted_number(each.segment)
        if segment not in predicted.numbers:  # no segment any more
            continue
        rows.append(
            ReviewCandidate(
                creative=each.creative.pk,
                advertisement_id=each.advertisement_id,
                name=each.creative.name,
                segment=segment,
                probability=float(predicted.probabilities[predicted.numbers.index(segment), n]),
                amount=_money(predicted.amounts[n]),
                at_stake=_money(variances[n] ** 0.5),
                share=float(variances[n]) / whole,
            )
        )
    return tuple(rows)

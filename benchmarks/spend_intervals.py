"""How often do the intervals of expected spend cover the true sums?

    python benchmarks/spend_report.py intervals

Measured on simulated data and on real transcripts. For the transcripts, probabilities are out of
fold, in folds that never divide a family of near duplicates, and calibrated on the other folds.
Amounts are drawn at random from the spend of advertisements of the same segment in the reference
data. Families are resampled in two ways:

- As many as there are, with replacement. The copies of a family deviate from its expected spend
  together. The sums then have twice the variance that the intervals assume, and an interval of
  90 % covers only about 76 % of them, however good the model is.
- Half of them, without replacement. There are no copies. The sums have the variance that the
  intervals assume, except that near duplicates in a family still deviate together.

For both, the coverage of a perfectly calibrated model is printed as well. Two more figures follow:
the coverage for half of the families with only one creative of each, and the bias of the model for
each segment.
"""

from __future__ import annotations

import csv
import gzip
import warnings
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier.segments import NUMBERS, canonical, move_columns, union
from classifier.text import training
from creativefilter.spend.reports import simulation
from tests.classifier.transcript_rows import read_rows

RESAMPLES = 500
TARGET = "85 to 95 %"
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def main(reference: Path | None, draws: int) -> None:
    """Print the coverage on simulated data and, with the reference data, on real transcripts.

    Args:
        reference: Folder of the reference data.
        draws: How often the true segments of the simulated data are drawn. The transcripts are
            resampled ``RESAMPLES`` times.
    """
    simulated(np.random.default_rng(1), draws)
    if reference:
        real(reference, np.random.default_rng(2))


def simulated(random: np.random.Generator, draws: int) -> None:
    print(
        f"Calibrated probabilities, {draws} draws of the true segments "
        f"(target: {TARGET} of the sums covered)"
    )
    for creatives, spread in ((100, 1.0), (1_000, 2.0), (5_000, 2.0)):
        amounts = random.lognormal(13, spread, creatives)
        simulated_probabilities = random.dirichlet(
            random.lognormal(-1, 1, len(NUMBERS)), creatives
        ).T
        intervals = simulation.spread(amounts, simulated_probabilities)
        ends = simulated_probabilities.cumsum(axis=0)[:-1]
        inside = [
            is_covered(intervals, sums_of((random.random(creatives) > ends).sum(axis=0), amounts))
            for _ in range(draws)
        ]
        print(f"  {creatives:5,} creatives, amounts of log-sd {spread}: {np.mean(inside):6.1%}")


def real(reference: Path, random: np.random.Generator) -> None:
    table = training.prepare(read_rows(reference / "transcripts_dev.csv"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # segments with fewer rows than folds
        scores = training.grouped_scores(table)
    calibrated = training.calibrated(table, scores)[table.spoken]
    probabilities = move_columns(calibrated, union(table.numbers), NUMBERS)
    true_columns = np.searchsorted(NUMBERS, table.segments)[table.spoken]
    families = table.families[table.spoken]
    amounts = spend_of(true_columns, reference, random)
    sizes = np.bincount(families)
    print(f"Real transcripts: {len(true_columns):,} with speech, {(sizes > 0).sum():,} families")
    simulated_truths = np.concatenate(
        [
            (random.random(len(true_columns))[:, None] > ends(probabilities)).sum(axis=1)[None]
            for _ in range(50)
        ]
    )
    for name, with_replacement in (
        ("families with replacement", True),
        ("half of the families", False),
    ):
        groups = Groups(families, with_replacement)
        report(name, coverage(probabilities, true_columns[None], groups, amounts, random))
        report(
            "  if the model were calibrated",
            coverage(probabilities, simulated_truths, groups, amounts, random),
        )
    one_of_each_family = np.unique(families, return_index=True)[1]
    groups = Groups(families[one_of_each_family], with_replacement=False)
    covered = coverage(
        probabilities[one_of_each_family],
        true_columns[None, one_of_each_family],
        groups,
        amounts[one_of_each_family],
        random,
    )
    report("half, one creative of each", covered)
    print_bias(probabilities, true_columns, amounts)


def report(name: str, covered: Floats) -> None:
    by_segment = np.nanmean(covered, axis=0)
    print(f"  {name:32} {np.nanmean(covered):6.1%}   segments from {np.nanmin(by_segment):.0%}"
          f" to {np.nanmax(by_segment):.0%}")  # fmt: skip


def ends(probabilities: Floats) -> Floats:
    return probabilities.cumsum(axis=1)[:, :-1]


class Groups:
    """Draws whole families: as many as there are with replacement, or half of them without."""

    def __init__(self, families: Ints, with_replacement: bool) -> None:
        members: dict[int, list[int]] = defaultdict(list)
        for row, family in enumerate(families.tolist()):
            members[family].append(row)
        self.members = [np.array(rows) for rows in members.values()]
        self.with_replacement = with_replacement

    def draw(self, random: np.random.Generator) -> Ints:
        count = len(self.members) if self.with_replacement else len(self.members) // 2
        chosen = random.choice(len(self.members), count, replace=self.with_replacement)
        return np.concatenate([self.members[n] for n in chosen])


def coverage(
    probabilities: Floats,
    truths: Ints,
    groups: Groups,
    amounts: Floats,
    random: np.random.Generator,
) -> Floats:
    """Resample and test which intervals cover the true sums.

    Args:
        probabilities: (creatives, segments).
        truths: columns of the true segments, (variants, creatives): several variants if the
            truth is simulated. Resample n uses variant n modulo their number.
        groups: draws the resamples.
        amounts: RUB, (creatives,).
        random: source of random numbers.

    Returns:
        (``RESAMPLES``, segments): 1 if the interval covers the true sum, 0 if not, NaN if the sum
        is 0.
    """
    result = np.zeros((RESAMPLES, len(NUMBERS)))
    for number in range(RESAMPLES):
        rows = groups.draw(random)
        true_columns = truths[number % len(truths), rows]
        spread = simulation.spread(amounts[rows], probabilities[rows].T)
        sums = sums_of(true_columns, amounts[rows])
        result[number] = np.where(sums > 0, is_covered(spread, sums), np.nan)
    return result


def is_covered(intervals: simulation.Spread, sums: Floats) -> NDArray[np.bool_]:
    slack = 1e-6 * (1 + sums)
    covered: NDArray[np.bool_] = (intervals.low - slack <= sums) & (sums <= intervals.high + slack)
    return covered


def sums_of(columns: Ints, amounts: Floats) -> Floats:
    return np.bincount(columns, amounts, len(NUMBERS))


def spend_of(true_columns: Ints, reference: Path, random: np.random.Generator) -> Floats:
    """Draw for each creative the spend of an advertisement of its segment; RUB, (creatives,)."""
    spent: dict[str, float] = defaultdict(float)
    with gzip.open(reference / "dashboard_data_synthetic.csv.gz", "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            spent[row["Advertisement ID"]] += float(row["Estimated cost RUB"])
    pools: dict[int, list[float]] = defaultdict(list)
    with (reference / "train_segments.csv").open(encoding="utf-8-sig") as lines:
        for row in csv.DictReader(lines):
            number = int(row["Segment_num"])
            place = NUMBERS.index(canonical(number))
            if spent.get(row["Advertisement ID"]):
                pools[place].append(spent[row["Advertisement ID"]])
    return np.array([random.choice(pools[place]) for place in true_columns.tolist()])


def print_bias(probabilities: Floats, true_columns: Ints, amounts: Floats) -> None:
    """Print the bias of the model for each segment, in standard deviations of the sum.

    The intervals do not allow for a bias.
    """
    expected, sums = amounts @ probabilities, sums_of(true_columns, amounts)
    deviation = np.sqrt((amounts**2) @ (probabilities * (1 - probabilities)))
    print("  (true sum - expected sum) / standard deviation, by segment, each creative once:")
    print("  ", " ".join(f"{n}:{d:+.1f}" for n, d in
                         zip(NUMBERS, (sums - expected) / deviation, strict=True)))  # fmt: skip

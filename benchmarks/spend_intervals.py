"""Whether intervals of expected spend hold the truth: simulated, and on real transcripts.

Run by ``python benchmarks/spend_report.py intervals``. The real part takes transcripts with their
segments, out-of-fold probabilities in folds that part no family of near duplicates, calibrated on
the other folds, and what the reference data spend on advertisements of the same segment, drawn at
random. Families are drawn again and again, in two ways:

- with replacement, as many as there are. The copies of a family miss together, and every resample
  repeats what the one true sample missed by: the deviation has twice the variance that an interval
  of independent creatives can know of, so that 90 % becomes about 76 % for *any* model;
- half of them, without replacement: deviations have the variance that the interval means.

Beside each stands what a model would reach whose probabilities were exactly right.
"""

from __future__ import annotations

import csv
import gzip
import warnings
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier.learning.cross_validation import in_all_segments
from classifier.segments import NUMBERS
from classifier.text import training
from creativefilter.spend.reports import simulation
from tests.classifier.transcript_rows import read_rows

RESAMPLES = 500
TARGET = "85 to 95 %"
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def main(reference: Path) -> None:
    simulated(np.random.default_rng(1))
    real(reference, np.random.default_rng(2))


def simulated(random: np.random.Generator) -> None:
    print(f"Calibrated probabilities, {RESAMPLES} resamples ({TARGET} of the sums covered)")
    for creatives, spread in ((100, 1.0), (1_000, 2.0), (5_000, 2.0)):
        amounts = random.lognormal(13, spread, creatives)
        chances = random.dirichlet(random.lognormal(-1, 1, len(NUMBERS)), creatives).T
        found = simulation.spread(amounts, chances)
        ends = chances.cumsum(axis=0)[:-1]
        inside = [
            within(found, sums_of((random.random(creatives) > ends).sum(axis=0), amounts))
            for _ in range(RESAMPLES)
        ]
        print(f"  {creatives:5,} creatives, amounts of log-sd {spread}: {np.mean(inside):6.1%}")


def real(reference: Path, random: np.random.Generator) -> None:
    table = training.prepare(read_rows(reference / "transcripts_dev.csv"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # segments rarer than there are folds
        scores = training.grouped_scores(table)
    said = in_all_segments(table, training.calibrated(table, scores))[table.spoken]
    truth = np.searchsorted(NUMBERS, table.segments)[table.spoken]
    families = table.families[table.spoken]
    amounts = spend_of(truth, reference, random)
    sizes = np.bincount(families)
    print(f"Real transcripts: {len(truth):,} that speak, {(sizes > 0).sum():,} families")
    rightly = np.concatenate(
        [(random.random(len(truth))[:, None] > ends(said)).sum(axis=1)[None] for _ in range(50)]
    )
    for name, again in (("drawn with replacement", True), ("half of them, each once", False)):
        groups = Groups(families, again)
        report(name, coverage(said, truth[None], groups, amounts, random))
        report("  were the model calibrated", coverage(said, rightly, groups, amounts, random))
    alone = np.unique(families, return_index=True)[1]
    groups = Groups(families[alone], again=False)
    one = coverage(said[alone], truth[None, alone], groups, amounts[alone], random)
    report("half, one of each family", one)
    print_bias(said, truth, amounts)


def report(name: str, covered: Floats) -> None:
    by_segment = np.nanmean(covered, axis=0)
    print(f"  {name:32} {np.nanmean(covered):6.1%}   segments from {np.nanmin(by_segment):.0%}"
          f" to {np.nanmax(by_segment):.0%}")  # fmt: skip


def ends(said: Floats) -> Floats:
    return said.cumsum(axis=1)[:, :-1]


class Groups:
    """Draws the rows of whole families: with replacement (``again``), or half of them."""

    def __init__(self, families: Ints, again: bool) -> None:
        members: dict[int, list[int]] = defaultdict(list)
        for row, family in enumerate(families.tolist()):
            members[family].append(row)
        self.members = [np.array(rows) for rows in members.values()]
        self.again = again

    def draw(self, random: np.random.Generator) -> Ints:
        count = len(self.members) if self.again else len(self.members) // 2
        chosen = random.choice(len(self.members), count, replace=self.again)
        return np.concatenate([self.members[n] for n in chosen])


def coverage(
    said: Floats, truths: Ints, groups: Groups, amounts: Floats, random: np.random.Generator
) -> Floats:
    """1 where the interval holds the true sum (resamples, segments), 0 where it does not.

    NaN for segments that no creative of the resample is of. ``truths`` (variants, creatives).
    """
    found = np.zeros((RESAMPLES, len(NUMBERS)))
    for number in range(RESAMPLES):
        rows = groups.draw(random)
        truth = truths[number % len(truths), rows]
        spread = simulation.spread(amounts[rows], said[rows].T)
        sums = sums_of(truth, amounts[rows])
        found[number] = np.where(sums > 0, within(spread, sums), np.nan)
    return found


def within(found: simulation.Spread, sums: Floats) -> NDArray[np.bool_]:
    slack = 1e-6 * (1 + sums)
    covered: NDArray[np.bool_] = (found.low - slack <= sums) & (sums <= found.high + slack)
    return covered


def sums_of(columns: Ints, amounts: Floats) -> Floats:
    return np.bincount(columns, amounts, len(NUMBERS))


def spend_of(truth: Ints, reference: Path, random: np.random.Generator) -> Floats:
    """For each creative the spend of an advertisement of its segment, drawn from those."""
    spent: dict[str, float] = defaultdict(float)
    with gzip.open(reference / "dashboard_data_synthetic.csv.gz", "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            spent[row["Advertisement ID"]] += float(row["Estimated cost RUB"])
    pools: dict[int, list[float]] = defaultdict(list)
    with (reference / "train_segments.csv").open(encoding="utf-8-sig") as lines:
        for row in csv.DictReader(lines):
            number = int(row["Segment_num"])
            place = NUMBERS.index(0 if number == 6 else number)
            if spent.get(row["Advertisement ID"]):
                pools[place].append(spent[row["Advertisement ID"]])
    return np.array([random.choice(pools[place]) for place in truth.tolist()])


def print_bias(said: Floats, truth: Ints, amounts: Floats) -> None:
    """By how many standard deviations the model is off, which no interval of it can know."""
    expected, sums = amounts @ said, sums_of(truth, amounts)
    deviation = np.sqrt((amounts**2) @ (said * (1 - said)))
    print("  (sum - expected) / standard deviation, by segment, all creatives once:")
    print("  ", " ".join(f"{n}:{d:+.1f}" for n, d in
                         zip(NUMBERS, (sums - expected) / deviation, strict=True)))  # fmt: skip

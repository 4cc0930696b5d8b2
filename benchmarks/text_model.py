"""The text model against plain TF-IDF with a linear SVC: quality by families, doubt, and speed.

    python benchmarks/text_model.py --transcripts transcripts.csv --mix train_segments.csv

Both learn from the same rows of the same folds, which never part a family of near duplicates.
``--mix`` names a table with a column Segment_num: the natural mix of segments, used as priors.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from classifier.evaluation.metrics import expected_calibration_error, macro_f1  # noqa: E402
from classifier.segments import canonical  # noqa: E402
from classifier.speech.cleaning import assess_speech  # noqa: E402
from classifier.text.linear_model import TextModel, prior_factors  # noqa: E402
from classifier.text.training import (  # noqa: E402
    Scores,
    Table,
    calibrated,
    grouped_scores,
    measure_coverage,
    measure_valid,
    prepare,
)
from tests.classifier.transcript_rows import read_rows  # noqa: E402

SEEDS = (0, 1, 2)
PRECISIONS = (0.90, 0.95)
RESAMPLES = 1000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--transcripts", type=Path, required=True)
    parser.add_argument("--mix", type=Path)
    options = parser.parse_args()
    rows = read_rows(options.transcripts)
    texts = [assess_speech(row.text).text for row in rows]
    table = prepare(rows)
    priors = read_mix(options.mix) if options.mix else None
    print(f"{len(rows)} rows, {table.family_count} families, five grouped folds\n")
    print(f"{'seed':6}{'macro-F1':>10}{'plain':>8}{'ratio':>8}{'spoken':>9}{'plain':>8}")
    scored = [compare(table, texts, seed) for seed in SEEDS]
    for seed, scores in zip(SEEDS, scored, strict=True):
        print(f"\nseed {seed}, creatives with speech, calibration and thresholds of other folds:")
        report_doubt(table, scores, None, "balanced, as in the data")
        if priors:
            report_doubt(table, scores, priors, "natural mix")
    report_valid(table)
    report_speed([text for text in texts if text], table)


def read_mix(path: Path) -> dict[int, float]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        counts = Counter(canonical(int(row["Segment_num"])) for row in csv.DictReader(file))
    return {number: float(count) for number, count in counts.items()}


def plain_model() -> Any:
    """What the text recipe calls A: characters and words, TF-IDF, a linear SVC."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.svm import LinearSVC

    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    machine = LinearSVC(C=1.0, class_weight="balanced", random_state=0)
    return make_pipeline(make_union(characters, words), machine)


def compare(table: Table, texts: list[str], seed: int) -> Scores:
    scores = grouped_scores(table, seed)
    ours = table.numbers[scores.margins.argmax(axis=1)]
    plain = np.zeros_like(ours)
    for number in np.unique(scores.fold):
        inside, outside = (np.flatnonzero(part) for part in split(scores.fold, number))
        model = plain_model().fit([texts[n] for n in inside], table.segments[inside])
        plain[outside] = model.predict([texts[n] for n in outside])
    everything = np.ones(len(ours), np.bool_)
    figures = [
        macro_f1(table.segments[rows], predicted[rows])
        for rows in (everything, table.spoken)
        for predicted in (ours, plain)
    ]
    a, b, c, d = figures
    print(f"{seed:<6}{a:10.4f}{b:8.4f}{a / b:8.3f}{c:9.4f}{d:8.4f}", flush=True)
    return scores


def split(fold: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    return fold != number, fold == number


def report_doubt(table: Table, scores: Scores, priors: dict[int, float] | None, mix: str) -> None:
    heard = table.spoken
    likely, truth = calibrated(table, scores)[heard], table.segments[heard]
    weights = np.ones(len(truth))
    if priors:
        shares = np.unique(truth, return_counts=True)[1] / len(truth)
        factors = prior_factors(table.numbers, shares, priors)
        likely = likely * factors / (likely * factors).sum(axis=1, keepdims=True)
        weights = factors[table.columns[heard]]
    sure, right = likely.max(axis=1), table.numbers[likely.argmax(axis=1)] == truth
    accuracy = np.average(right, weights=weights)
    line = f"  {mix:26} accuracy {accuracy:.3f}  ECE {weighted_ece(sure, right, weights):.3f}"
    for precision in PRECISIONS:
        coverage, got = measure_coverage(sure, right, scores.fold[heard], precision, weights)
        line += f"  coverage at {precision:.0%}: {coverage:.3f} (precision {got:.3f})"
    print(line)


def weighted_ece(sure: np.ndarray, right: np.ndarray, weights: np.ndarray) -> float:
    if (weights == weights[0]).all():
        return expected_calibration_error(sure, right)
    place = np.minimum((sure * 10).astype(int), 9)
    gap = np.bincount(place, weights * (sure - right), minlength=10)
    return float(np.abs(gap).sum() / weights.sum())


def report_valid(table: Table) -> None:
    """Figures on ``valid`` and how far they would wander with other rows."""
    from classifier.text.training import fit, margins_of

    rows = np.flatnonzero(table.valid)
    predicted = table.numbers[margins_of(table, fit(table, ~table.valid), rows).argmax(axis=1)]
    dice = np.random.default_rng(0)
    drawn = [dice.integers(0, len(rows), len(rows)) for _ in range(RESAMPLES)]
    spread = [macro_f1(table.segments[rows][draw], predicted[draw]) for draw in drawn]
    low, high = np.percentile(spread, [2.5, 97.5])
    figures = measure_valid(table)
    print(
        f"\ntrained on train, measured on valid: macro-F1 {figures['macro_f1_valid']:.3f}"
        f" (95 % of {RESAMPLES} resamples: {low:.3f}-{high:.3f}),"
        f" spoken only {figures['macro_f1_valid_spoken']:.3f}"
    )


def report_speed(texts: list[str], table: Table) -> None:
    model = TextModel.load()
    plain = plain_model().fit(texts[: len(texts) // 2], range_of(table, len(texts) // 2))
    fresh = [f"{text} {number}" for number, text in enumerate(texts)]
    print(f"\n{'speed, one core':28}{'ours':>9}{'plain':>9}{'ratio':>8}")
    one = [median_ms(lambda text=text: model.predict([text])) for text in fresh[::20]]
    other = [median_ms(lambda text=text: plain.predict([text])) for text in fresh[::20]]
    a, b = statistics.median(one), statistics.median(other)
    print(f"{'one text, ms (median)':28}{a:9.2f}{b:9.2f}{b / a:8.2f}")
    print(f"{'one text, ms (slowest)':28}{max(one):9.2f}{max(other):9.2f}")
    rates = [len(fresh) * 1000 / median_ms(lambda m=m: m.predict(fresh)) for m in (model, plain)]
    print(
        f"{'texts a second in batches':28}{rates[0]:9.0f}{rates[1]:9.0f}{rates[0] / rates[1]:8.2f}"
    )
    explained = statistics.median(
        median_ms(lambda text=text: model.explain(text, 0)) for text in fresh[::20]
    )
    print(f"{'evidence of one text, ms':28}{explained:9.2f}")
    assert model.artefact is not None
    print(f"{'model folder, MB':28}{model.artefact.size / 1e6:9.2f}")


def range_of(table: Table, count: int) -> list[int]:
    return [int(number) for number in table.segments[:count]]


def median_ms(work: Callable[[], object], times: int = 3) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


if __name__ == "__main__":
    main()

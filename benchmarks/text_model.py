"""Is the text model better than plain TF-IDF with a linear SVC, and how fast is it?

    python benchmarks/text_model.py [--transcripts FILE] [--mix FILE] [--quick]

Compares macro-F1 and speed, and prints calibration and coverage. Both models learn from the same
rows of the same folds, which never divide a family of near duplicates. ``--mix`` is a table with a
column Segment_num: its natural frequencies of segments are used as priors.
"""

from __future__ import annotations

import csv
import statistics
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import common  # noqa: E402
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
    parser = common.options(__doc__)
    parser.add_argument("--transcripts", type=Path, default=common.TRANSCRIPTS)
    parser.add_argument("--mix", type=Path, help="a table with the column Segment_num")
    options = parser.parse_args()
    seeds, resamples = (SEEDS[:1], 20) if options.quick else (SEEDS, RESAMPLES)
    rows = read_rows(options.transcripts)[:: 5 if options.quick else 1]
    texts = [assess_speech(row.text).text for row in rows]
    table = prepare(rows)
    priors = read_mix(options.mix) if options.mix else None
    print(f"{len(rows)} rows, {table.family_count} families, five grouped folds\n")
    print(f"{'seed':6}{'macro-F1':>10}{'plain':>8}{'ratio':>8}{'spoken':>9}{'plain':>8}")
    scored = [compare(table, texts, seed) for seed in seeds]
    for seed, scores in zip(seeds, scored, strict=True):
        print(f"\nseed {seed}, creatives with speech, calibration and thresholds of other folds:")
        report_probabilities(table, scores, None, "balanced, as in the data")
        if priors:
            report_probabilities(table, scores, priors, "natural mix")
    report_valid(table, resamples)
    report_speed([text for text in texts if text], table)


def read_mix(path: Path) -> dict[int, float]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        counts = Counter(canonical(int(row["Segment_num"])) for row in csv.DictReader(file))
    return {number: float(count) for number, count in counts.items()}


def plain_model() -> Any:
    """Return the baseline: TF-IDF of characters and words with a linear SVC."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.svm import LinearSVC

    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    machine = LinearSVC(C=1.0, class_weight="balanced", random_state=0)
    return make_pipeline(make_union(characters, words), machine)


def compare(table: Table, texts: list[str], seed: int) -> Scores:
    scores = grouped_scores(table, seed)
    predicted = table.numbers[scores.margins.argmax(axis=1)]
    plain = np.zeros_like(predicted)
    for number in np.unique(scores.fold):
        training_rows, test_rows = (np.flatnonzero(part) for part in split(scores.fold, number))
        model = plain_model().fit([texts[n] for n in training_rows], table.segments[training_rows])
        plain[test_rows] = model.predict([texts[n] for n in test_rows])
    all_rows = np.ones(len(predicted), np.bool_)
    figures = [
        macro_f1(table.segments[rows], answers[rows])
        for rows in (all_rows, table.spoken)
        for answers in (predicted, plain)
    ]
    a, b, c, d = figures
    print(f"{seed:<6}{a:10.4f}{b:8.4f}{a / b:8.3f}{c:9.4f}{d:8.4f}", flush=True)
    return scores


def split(fold: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    return fold != number, fold == number


def report_probabilities(
    table: Table, scores: Scores, priors: dict[int, float] | None, mix: str
) -> None:
    spoken = table.spoken
    probabilities, truth = calibrated(table, scores)[spoken], table.segments[spoken]
    weights = np.ones(len(truth))
    if priors:
        shares = np.unique(truth, return_counts=True)[1] / len(truth)
        factors = prior_factors(table.numbers, shares, priors)
        probabilities = (
            probabilities * factors / (probabilities * factors).sum(axis=1, keepdims=True)
        )
        weights = factors[table.columns[spoken]]
    confidence, correct = (
        probabilities.max(axis=1),
        table.numbers[probabilities.argmax(axis=1)] == truth,
    )
    accuracy = np.average(correct, weights=weights)
    line = (
        f"  {mix:26} accuracy {accuracy:.3f}  ECE {weighted_ece(confidence, correct, weights):.3f}"
    )
    for precision in PRECISIONS:
        coverage, precision_reached = measure_coverage(
            confidence, correct, scores.fold[spoken], precision, weights
        )
        line += f"  coverage at {precision:.0%}: {coverage:.3f} (precision {precision_reached:.3f})"
    print(line)


def weighted_ece(confidence: np.ndarray, correct: np.ndarray, weights: np.ndarray) -> float:
    if (weights == weights[0]).all():
        return expected_calibration_error(confidence, correct)
    place = np.minimum((confidence * 10).astype(int), 9)
    gap = np.bincount(place, weights * (confidence - correct), minlength=10)
    return float(np.abs(gap).sum() / weights.sum())


def report_valid(table: Table, resamples: int) -> None:
    """Print the figures on the rows of ``valid``, with a bootstrap interval."""
    from classifier.text.training import fit, margins_of

    rows = np.flatnonzero(table.valid)
    predicted = table.numbers[margins_of(table, fit(table, ~table.valid), rows).argmax(axis=1)]
    random_numbers = np.random.default_rng(0)
    drawn = [random_numbers.integers(0, len(rows), len(rows)) for _ in range(resamples)]
    resampled = [macro_f1(table.segments[rows][draw], predicted[draw]) for draw in drawn]
    low, high = np.percentile(resampled, [2.5, 97.5])
    figures = measure_valid(table)
    print(
        f"\ntrained on train, measured on valid: macro-F1 {figures['macro_f1_valid']:.3f}"
        f" (95 % of {resamples} resamples: {low:.3f}-{high:.3f}),"
        f" spoken only {figures['macro_f1_valid_spoken']:.3f}"
    )


def report_speed(texts: list[str], table: Table) -> None:
    model = TextModel.load()
    plain = plain_model().fit(texts[: len(texts) // 2], first_segments(table, len(texts) // 2))
    fresh = [f"{text} {number}" for number, text in enumerate(texts)]
    print(f"\n{'speed, one core':28}{'ours':>9}{'plain':>9}{'ratio':>8}")
    model_times = [median_ms(lambda text=text: model.predict([text])) for text in fresh[::20]]
    plain_times = [median_ms(lambda text=text: plain.predict([text])) for text in fresh[::20]]
    a, b = statistics.median(model_times), statistics.median(plain_times)
    print(f"{'one text, ms (median)':28}{a:9.2f}{b:9.2f}{b / a:8.2f}")
    print(f"{'one text, ms (slowest)':28}{max(model_times):9.2f}{max(plain_times):9.2f}")
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


def first_segments(table: Table, count: int) -> list[int]:
    return [int(number) for number in table.segments[:count]]


def median_ms(work: Callable[[], object]) -> float:
    return 1000 * common.median_seconds(work, 3)


if __name__ == "__main__":
    main()

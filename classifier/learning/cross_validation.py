"""Cross-validation of the text model's recipe on a table of labelled transcripts.

Plain folds separate families of near duplicates, which makes the figures of every model too good.
These figures are reported beside those of grouped folds to show the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.evaluation.figures import Automatic, Evaluation, by_other_folds, evaluate
from classifier.evaluation.metrics import threshold_for
from classifier.segments import columns_of, move_columns, union
from classifier.speech.cleaning import assess_speech
from classifier.text.training import (
    Scores,
    Table,
    TrainingRow,
    best_calibration,
    calibrated,
    fit,
    grouped_scores,
    margins_of,
)
from classifier.text.transformer import fine_tune, held_out
from classifier.text.transformer_types import Epoch, Settings
from classifier.types import Probabilities

Progress = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Encoder:
    """The transformer to fine-tune; the fields are arguments of ``transformer.fine_tune``."""

    name: str
    weights_folder: Path
    threads: int = 1


def by_families(table: Table, progress: Progress = lambda: None) -> Evaluation:
    """Evaluate the recipe in folds that keep families together.

    Each fold is calibrated, and its thresholds are chosen, on the other folds. Rows without speech
    are undecided, as in production. ``progress`` is called after each fold.

    Raises:
        TooFewRowsError: There are too few rows for folds.
    """
    return evaluation_of(table, _scores(table, progress))


def by_random_folds(table: Table, progress: Progress = lambda: None) -> Evaluation:
    """Evaluate the recipe in plain folds, where near duplicates are on both sides of a split.

    Raises:
        TooFewRowsError: There are too few rows for folds.
    """
    alone = replace(table, families=np.arange(len(table.segments)))
    return evaluation_of(table, _scores(alone, progress))


def on_valid(table: Table, progress: Progress = lambda: None) -> Evaluation:
    """Train on the ``train`` rows of the table and evaluate on its ``valid`` rows.

    Calibration and thresholds come from folds within ``train``.

    Raises:
        TooFewRowsError: There are too few ``train`` rows for folds.
        ValueError: There are no ``valid`` rows.
    """
    train_table = table.only(~table.valid)
    scores = _scores(train_table, progress)
    spoken, numbers = train_table.spoken, union(table.numbers)
    columns = columns_of(numbers, train_table.segments)
    calibration = best_calibration(scores.margins[spoken], train_table.columns[spoken])
    rows = np.flatnonzero(table.valid)
    parameters = fit(table, ~table.valid, calibration)
    probabilities = calibration.probabilities(margins_of(table, parameters, rows))
    probabilities[~table.spoken[rows]] = np.nan
    held_out_probabilities = move_columns(
        calibration.probabilities(scores.margins), union(train_table.numbers), numbers
    )
    automatic = _thresholds_from(held_out_probabilities[spoken], columns[spoken], probabilities)
    return evaluate(probabilities, table.columns[rows], numbers, automatic, table.families[rows])


def transformer_on_valid(
    rows: Sequence[TrainingRow],
    table: Table,
    encoder: Encoder,
    progress: Callable[[Epoch], None] = lambda _: None,
) -> Evaluation:
    """Fine-tune ``encoder`` on the ``train`` rows and evaluate it on the ``valid`` rows.

    Thresholds come from the part of ``train`` that is held out for early stopping, which makes the
    coverage a little too good.

    Args:
        rows: The labelled transcripts.
        table: The result of ``prepare(rows)``.
        encoder: The encoder to fine-tune.
        progress: Called after each epoch.

    Raises:
        WeightsError: The encoder can't be loaded.
        TooFewRowsError: There are too few ``train`` rows.
    """
    texts = np.array([assess_speech(row.text).text for row in rows], np.object_)
    columns, numbers = table.columns, union(table.numbers)
    is_training = table.spoken & ~table.valid
    model = fine_tune(
        texts[is_training].tolist(),
        table.segments[is_training].tolist(),
        table.families[is_training].tolist(),
        encoder=encoder.name,
        weights_folder=encoder.weights_folder,
        threads=encoder.threads,
        progress=progress,
    )
    is_held_out = held_out(columns[is_training], table.families[is_training], Settings().seed)
    spoken = table.spoken[table.valid]
    held_out_probabilities, of_valid = (
        move_columns(model.probabilities(chosen.tolist()), model.numbers, numbers)
        for chosen in (texts[is_training][is_held_out], texts[table.valid][spoken])
    )
    probabilities = np.full((int(table.valid.sum()), len(numbers)), np.nan)
    probabilities[spoken] = of_valid
    automatic = _thresholds_from(
        held_out_probabilities, columns[is_training][is_held_out], probabilities
    )
    return evaluate(
        probabilities, columns[table.valid], numbers, automatic, table.families[table.valid]
    )


def evaluation_of(table: Table, scores: Scores) -> Evaluation:
    """Return figures of out-of-fold ``scores``; rows without speech are undecided."""
    probabilities = calibrated(table, scores)
    probabilities[~table.spoken] = np.nan
    automatic = by_other_folds(probabilities, table.columns, scores.fold)
    numbers = union(table.numbers)
    return evaluate(probabilities, table.columns, numbers, automatic, table.families)


def _scores(table: Table, progress: Progress) -> Scores:
    return grouped_scores(table, progress=lambda _: progress())


def _thresholds_from(
    held_out_probabilities: Probabilities,
    columns: NDArray[np.integer[Any]],
    probabilities: Probabilities,
) -> Automatic:
    """Return decisions on ``probabilities`` by thresholds chosen on held-out rows.

    ``columns``: the index of the true segment of each held-out row.
    """
    correct, confidence = (
        held_out_probabilities.argmax(axis=1) == columns,
        np.nan_to_num(probabilities).max(axis=1),
    )

    def automatic(target: float) -> NDArray[np.bool_]:
        least = threshold_for(held_out_probabilities.max(axis=1), correct, target)
        is_automatic: NDArray[np.bool_] = confidence >= (np.inf if least is None else least)
        return is_automatic

    return automatic

"""What the text recipe is worth on a table of labelled transcripts, honestly and less so.

Folds that part families of near duplicates flatter every model: their figures stand beside the
honest ones so that nobody is fooled by copies.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.errors import DataError
from classifier.evaluation.figures import Automatic, Evaluation, by_other_folds, evaluate
from classifier.evaluation.metrics import threshold_for
from classifier.segments import NUMBERS
from classifier.speech.cleaning import assess_speech
from classifier.text.training import (
    FOLDS,
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


class TooFewRowsError(DataError):
    """Folds cannot be made of so few rows; ``families`` and ``segments`` say how few."""

    def __init__(self, families: int, segments: int) -> None:
        super().__init__(
            f"{families} families of near duplicates, {segments} segments with two of them or "
            f"more: at least {FOLDS} and 2 are needed"
        )
        self.families = families
        self.segments = segments


@dataclass(frozen=True, slots=True)
class Encoder:
    """Which transformer to fine-tune, and on what; as ``transformer.fine_tune`` takes it."""

    name: str
    weights_folder: Path
    threads: int = 1


def by_families(table: Table, progress: Progress = lambda: None) -> Evaluation:
    """The recipe in folds that never part a family; ``progress`` is called after each of them.

    Each fold is calibrated, and its thresholds are chosen, on the others. Rows in which nobody
    speaks are left undecided, as in use. Raises ``TooFewRowsError``.
    """
    return evaluation_of(table, _scores(table, progress))


def by_chance(table: Table, progress: Progress = lambda: None) -> Evaluation:
    """The same in plain folds, where copies of a text stand on both sides: too good to be true."""
    alone = replace(table, families=np.arange(len(table.segments)))
    return evaluation_of(table, _scores(alone, progress))


def on_valid(table: Table, progress: Progress = lambda: None) -> Evaluation:
    """The recipe taught by the ``train`` rows of the table, measured on its ``valid`` rows.

    Calibration and thresholds come from folds within ``train``. Raises ``TooFewRowsError``, and
    ``ValueError`` when there are no ``valid`` rows.
    """
    teaching = table.only(~table.valid)
    scores = _scores(teaching, progress)
    spoken, columns = teaching.spoken, np.searchsorted(NUMBERS, teaching.segments)
    calibration = best_calibration(scores.margins[spoken], teaching.columns[spoken])
    rows = np.flatnonzero(table.valid)
    parameters = fit(table, ~table.valid, calibration)
    said = in_all_segments(table, calibration.probabilities(margins_of(table, parameters, rows)))
    said[~table.spoken[rows]] = np.nan
    apart = in_all_segments(teaching, calibration.probabilities(scores.margins))
    automatic = _thresholds_from(apart[spoken], columns[spoken], said)
    return evaluate(said, _columns(table)[rows], automatic, table.families[rows])


def transformer_on_valid(
    rows: Sequence[TrainingRow],
    table: Table,
    encoder: Encoder,
    progress: Callable[[Epoch], None] = lambda _: None,
) -> Evaluation:
    """A fine-tuned ``encoder`` on the same rows; ``table`` is that of ``prepare(rows)``.

    Thresholds come from the part of ``train`` that ends its training: they flatter a little.
    Raises ``WeightsError`` when it cannot be loaded, ``ValueError`` for too few rows.
    """
    texts = np.array([assess_speech(row.text).text for row in rows], np.object_)
    columns = _columns(table)
    teaching = table.spoken & ~table.valid
    model = fine_tune(
        texts[teaching].tolist(),
        table.segments[teaching].tolist(),
        table.families[teaching].tolist(),
        encoder=encoder.name,
        weights_folder=encoder.weights_folder,
        threads=encoder.threads,
        progress=progress,
    )
    stopped = held_out(columns[teaching], table.families[teaching], Settings().seed)
    apart = model.probabilities(texts[teaching][stopped].tolist())
    said = np.full((int(table.valid.sum()), len(NUMBERS)), np.nan)
    spoken = table.spoken[table.valid]
    said[spoken] = model.probabilities(texts[table.valid][spoken].tolist())
    automatic = _thresholds_from(apart, columns[teaching][stopped], said)
    return evaluate(said, columns[table.valid], automatic, table.families[table.valid])


def evaluation_of(table: Table, scores: Scores) -> Evaluation:
    """Figures of out-of-fold ``scores``; rows in which nobody speaks are left undecided."""
    said = in_all_segments(table, calibrated(table, scores))
    said[~table.spoken] = np.nan
    columns = _columns(table)
    return evaluate(said, columns, by_other_folds(said, columns, scores.fold), table.families)


def in_all_segments(table: Table, probabilities: Probabilities) -> Probabilities:
    """Probabilities (rows, 18) from those over ``table.numbers``; 0 for all others."""
    result = np.zeros((len(probabilities), len(NUMBERS)))
    result[:, np.searchsorted(NUMBERS, table.numbers)] = probabilities
    return result


def require_enough(table: Table) -> None:
    """Raise ``TooFewRowsError`` if folds can't be made of these rows."""
    spoken = np.unique(np.stack([table.segments, table.families])[:, table.spoken], axis=1)
    segments = int((np.unique(spoken[0], return_counts=True)[1] > 1).sum())
    families = len(np.unique(spoken[1]))
    if families < FOLDS or segments < 2:
        raise TooFewRowsError(families, segments)


def _scores(table: Table, progress: Progress) -> Scores:
    require_enough(table)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # segments rarer than there are folds
        return grouped_scores(table, progress=lambda _: progress())


def _columns(table: Table) -> NDArray[np.int64]:
    return np.searchsorted(NUMBERS, table.segments)


def _thresholds_from(
    apart: Probabilities, columns: NDArray[np.integer[Any]], said: Probabilities
) -> Automatic:
    """Thresholds chosen on what was said ``apart`` of rows with these true ``columns``."""
    right, known = apart.argmax(axis=1) == columns, np.nan_to_num(said).max(axis=1)

    def automatic(target: float) -> NDArray[np.bool_]:
        least = threshold_for(apart.max(axis=1), right, target)
        taken: NDArray[np.bool_] = known >= (np.inf if least is None else least)
        return taken

    return automatic

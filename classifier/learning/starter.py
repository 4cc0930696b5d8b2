"""Training of the starter bundle from a table of transcripts to the committed model folder.

The recipe was chosen by grouped cross-validation over all rows. MODEL_CARD.md in the model folder
describes how, and what that means for the figures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.channels import CHANNELS, SPEECH
from classifier.decision.bundle import Bundle
from classifier.decision.bundle_parts import STARTER, HeldOut, Parts
from classifier.decision.fusion import Fusion
from classifier.evaluation.figures import Evaluation
from classifier.learning.cross_validation import evaluation_of
from classifier.learning.model_card import render
from classifier.segments import union
from classifier.speech.cleaning import assess_speech
from classifier.text.families import fingerprints
from classifier.text.features import BLOCK_WEIGHTS
from classifier.text.lexicon import lexicon_digest
from classifier.text.linear_model import TextModel
from classifier.text.training import (
    FOLDS,
    PENALTY,
    PRECISION,
    SEED,
    Table,
    TrainingRow,
    best_calibration,
    fit,
    grouped_scores,
    measure_grouped,
    measure_valid,
    prepare,
    split,
)

_ONLY_SPEECH = 1 << CHANNELS.index(SPEECH)
SOURCE = {
    "repository": "mediawise-creative-filter",
    "licence": "Apache-2.0",
    "description": "Russian advertising creatives, transcribed by whisper-small",
}


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """The figures of a training.

    ``..._valid``: of a model trained on the ``train`` rows, on the ``valid`` rows.
    ``..._grouped``: of five folds over all rows that keep families of near duplicates together.
    ``..._spoken``: of rows with speech only; others are not classified in production.
    Accuracy, ``ece_grouped`` (expected calibration error), coverage and precision are also those of
    rows with speech. ``coverage_grouped``: the share whose probability reaches the threshold for a
    precision of 95 %, chosen on the other folds. ``precision_grouped``: the precision of these.
    ``silent``: the number of rows without speech. ``seconds``: the duration of the training.
    ``size``: the size of the model folder in bytes.
    """

    macro_f1_valid: float
    macro_f1_valid_spoken: float
    macro_f1_grouped: float
    macro_f1_grouped_spoken: float
    accuracy_grouped: float
    ece_grouped: float
    coverage_grouped: float
    precision_grouped: float
    rows: int
    silent: int
    families: int
    seconds: float
    size: int


def train_starter(
    rows: Sequence[TrainingRow],
    folder: Path = STARTER,
    progress: Callable[[str], None] = lambda _: None,
) -> TrainingReport:
    """Evaluate the recipe, train on all rows, and write the model folder.

    The same rows and the same versions of the libraries give the same bytes.

    Args:
        rows: Labelled transcripts, some of them with the split ``valid``.
        folder: The model folder to create or replace.
        progress: Called with a sentence after each step.

    Raises:
        TooFewRowsError: There are too few ``train`` rows for folds.
    """
    began = time.monotonic()
    table = prepare(rows)
    split(table.only(~table.valid))  # raises an error if there are too few
    progress(f"{len(table.segments)} rows, {table.family_count} families of near duplicates")
    figures = measure_valid(table)
    progress(f"trained on train: macro-F1 on valid {figures['macro_f1_valid']:.3f}")
    scores = grouped_scores(table, progress=progress)
    figures |= measure_grouped(table, scores)
    progress(f"grouped by family: macro-F1 {figures['macro_f1_grouped']:.3f}")
    spoken = table.spoken
    calibration = best_calibration(scores.margins[spoken], table.columns[spoken])
    text = TextModel(fit(table, np.ones(len(spoken), np.bool_), calibration))
    parts = Parts(
        numbers=union(table.numbers),
        text=text,
        fusion=Fusion(),
        held_out=_held_out(table, calibration.probabilities(scores.margins)),
        shares=_shares(table),
        training_fingerprints=fingerprints(
            [text for row in rows for text in (row.text, assess_speech(row.text).text)]
        ),
    )
    threshold = Bundle(parts).threshold(_ONLY_SPEECH)
    facts = _facts(table, figures, evaluation_of(table, scores), threshold)
    artefact = parts.save(folder, facts, render(facts, len(table.numbers)))
    progress(f"written: {folder} ({artefact.size / 1e6:.1f} MB)")
    return TrainingReport(
        **figures,
        rows=len(spoken),
        silent=int((~spoken).sum()),
        families=table.family_count,
        seconds=time.monotonic() - began,
        size=artefact.size,
    )


def _held_out(table: Table, probabilities: NDArray[np.float64]) -> HeldOut:
    spoken = table.spoken
    return HeldOut(
        probabilities[spoken],
        table.columns[spoken],
        np.full(int(spoken.sum()), _ONLY_SPEECH, np.uint8),
    )


def _shares(table: Table) -> NDArray[np.float64]:
    columns = table.columns[table.spoken]
    result: NDArray[np.float64] = np.bincount(columns, minlength=len(table.numbers)) / len(columns)
    return result


def _facts(
    table: Table,
    figures: dict[str, float],
    evaluation: Evaluation,
    threshold: float | None,
) -> dict[str, Any]:
    return {
        "training": {
            "rows": len(table.segments),
            "silent": int((~table.spoken).sum()),
            "families": table.family_count,
            "near_duplicates": round(table.near_duplicates, 4),
            "sha256": table.digest,
            "source": SOURCE,
        },
        "recipe": {
            "penalty": PENALTY,
            "block_weights": BLOCK_WEIGHTS.tolist(),
            "folds": FOLDS,
            "seed": SEED,
        },
        "lexicon": lexicon_digest(),
        "thresholds": {str(PRECISION): None if threshold is None else round(threshold, 6)},
        "evaluation": evaluation.facts(),
        "metrics": {name: round(value, 6) for name, value in figures.items()},
        "libraries": {name: version(name) for name in ("numpy", "scipy", "scikit-learn")},
    }

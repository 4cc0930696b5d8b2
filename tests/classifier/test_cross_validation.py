"""Evaluation of the text model's recipe in grouped folds, in plain folds and on valid rows."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classifier.errors import TooFewRowsError
from classifier.learning.cross_validation import (
    Encoder,
    by_families,
    by_random_folds,
    on_valid,
    transformer_on_valid,
)
from classifier.text.training import FOLDS, Table, TrainingRow, prepare
from classifier.text.transformer_types import Epoch
from tests.classifier.transcript_rows import read_rows
from tests.small_bert import save_encoder, toy

SOUNDS = ("ба", "ву", "ги", "до", "жэ", "зю", "ки", "лу", "мо", "ню", "пе", "ра", "со", "ты", "фу")
SILENT = "ДИНАМИЧНАЯ МУЗЫКА"


def unique_words(count: int, dice: random.Random) -> str:
    """Return invented words that no other text has."""
    return " ".join("".join(dice.choices(SOUNDS, k=4)) for _ in range(count))


@pytest.fixture(scope="module")
def near_duplicates() -> Table:
    """Uninformative texts: 24 families of four near duplicates."""
    dice = random.Random(1)
    rows = []
    for family in range(24):
        text = unique_words(12, dice)
        rows += [
            TrainingRow(family % 2, f"{text} {unique_words(1, dice)}", "valid" if copy else "train")
            for copy in range(4)
        ]
    return prepare(rows)


def informative_rows(count: int, dice: random.Random, split: str) -> list[TrainingRow]:
    """Return texts with a word that indicates their segment, among unique words."""
    named = {0: "распродажа", 8: "ипотека"}
    return [
        TrainingRow(
            segment, f"{word} {unique_words(4, dice)} {word} {unique_words(3, dice)}", split
        )
        for segment, word in named.items()
        for _ in range(count)
    ]


@pytest.fixture(scope="module")
def rows() -> list[TrainingRow]:
    """Sixty ``train`` rows and eleven ``valid`` ones, the last of them without speech."""
    dice = random.Random(2)
    silent = TrainingRow(8, SILENT, "valid")
    return [*informative_rows(30, dice, "train"), *informative_rows(5, dice, "valid"), silent]


def test_near_duplicates_raise_only_the_figures_of_plain_folds(near_duplicates: Table) -> None:
    assert near_duplicates.family_count == 24
    ticks: list[None] = []
    grouped = by_families(near_duplicates, lambda: ticks.append(None))
    plain = by_random_folds(near_duplicates, lambda: ticks.append(None))
    assert grouped.rows == plain.rows == 96
    assert grouped.macro_f1 < 0.7 < 0.95 < plain.macro_f1
    assert len(ticks) == 2 * FOLDS


def test_informative_words_are_learned_in_grouped_folds(rows: Sequence[TrainingRow]) -> None:
    evaluation = by_families(prepare(rows))
    assert evaluation.macro_f1 > 0.9
    assert evaluation.undecided == 1
    assert [one.number for one in evaluation.segments] == [0, 8]


def test_valid_rows_are_evaluated_by_a_model_of_train_rows(rows: Sequence[TrainingRow]) -> None:
    evaluation = on_valid(prepare(rows))
    assert (evaluation.rows, evaluation.undecided) == (11, 1)
    assert evaluation.macro_f1 > 0.9
    assert {one.number: one.count for one in evaluation.segments} == {0: 5, 8: 6}
    assert evaluation.coverage[1].share > 0.5
    # With swapped labels on valid rows the figure drops, so valid rows are not trained on.
    mislabelled = [
        replace(row, segment=8 - row.segment) if row.split == "valid" else row for row in rows
    ]
    assert on_valid(prepare(mislabelled)).macro_f1 < 0.1


def test_segment_only_in_valid_has_no_recall(rows: Sequence[TrainingRow]) -> None:
    other = TrainingRow(15, "плейлист и концерт", "valid")
    evaluation = on_valid(prepare([*rows, other]))
    [score] = [one for one in evaluation.segments if one.number == 15]
    assert (score.count, score.recall) == (1, 0.0)


def test_too_few_families_segments_or_valid_rows_are_refused(
    rows: Sequence[TrainingRow],
) -> None:
    one_segment = prepare([row for row in rows if row.segment == 0])
    with pytest.raises(TooFewRowsError) as error:
        by_families(one_segment)
    assert (error.value.families, error.value.segments) == (35, 1)
    few = prepare([*rows[:2], *rows[30:32]])
    with pytest.raises(TooFewRowsError) as error:
        by_random_folds(few)
    assert (error.value.families, error.value.segments) == (4, 2)
    with pytest.raises(ValueError, match="nothing to judge"):
        on_valid(prepare(rows[:60]))


def test_segments_with_fewer_rows_than_folds_are_evaluated() -> None:
    dice = random.Random(4)
    few = [TrainingRow(place % 3, unique_words(9, dice), "train") for place in range(12)]
    assert by_families(prepare(few)).rows == 12


def test_segment_whose_speech_is_in_one_fold_is_not_counted(rows: Sequence[TrainingRow]) -> None:
    """Silent rows of segment 8 fill four folds, so its two rows with speech are in the fifth."""
    silent = [TrainingRow(8, SILENT, "train")] * 40
    table = prepare([*rows[:30], *rows[30:32], *silent])
    families = np.concatenate([np.arange(32), 32 + np.arange(40) // 10])
    with pytest.raises(TooFewRowsError) as error:
        by_families(replace(table, families=families))
    assert (error.value.families, error.value.segments) == (32, 1)


def test_transformer_is_evaluated_on_the_same_rows(tmp_path: Path) -> None:
    """Only the choice of training and evaluation rows is tested here."""
    save_encoder(tmp_path / "small-bert")
    texts = toy(60, seed=1)
    split = ["valid" if place % 4 == 0 else "train" for place in range(60)]
    rows = [
        TrainingRow(segment, f"{text} {SOUNDS[place % 15] * 3}", part)
        for place, (segment, text, part) in enumerate(
            zip(texts.segments, texts.texts, split, strict=True)
        )
    ]
    rows.append(TrainingRow(0, SILENT, "valid"))
    encoder = Encoder(str(tmp_path / "small-bert"), tmp_path)
    epochs: list[Epoch] = []
    evaluation = transformer_on_valid(
        rows, prepare_as_single_families(rows), encoder, epochs.append
    )
    assert (evaluation.rows, evaluation.undecided) == (16, 1)
    assert [epoch.number for epoch in epochs] == list(range(1, len(epochs) + 1))
    truth = Counter(row.segment for row in rows if row.split == "valid")
    assert {one.number: one.count for one in evaluation.segments if one.count} == truth
    # The labels of valid rows do not change the training.
    mislabelled = [replace(row, segment=0) if row.split == "valid" else row for row in rows]
    again: list[Epoch] = []
    transformer_on_valid(
        mislabelled, prepare_as_single_families(mislabelled), encoder, again.append
    )
    assert again == epochs


def prepare_as_single_families(rows: Sequence[TrainingRow]) -> Table:
    """Prepare rows with a family for each, because all toy texts are near duplicates."""
    return replace(prepare(rows), families=np.arange(len(rows)))


@pytest.mark.reference
def test_reference_transcripts_in_grouped_and_plain_folds(reference_data: Path) -> None:
    """Two in five transcripts have a near duplicate, so the figures of plain folds are better."""
    table = prepare(read_rows(reference_data / "transcripts_dev.csv"))
    grouped, plain = by_families(table), by_random_folds(table)
    assert grouped.macro_f1 >= 0.79
    assert grouped.macro_f1 + 0.02 < plain.macro_f1
    assert grouped.ece <= 0.035
    assert grouped.coverage[1].share >= 0.48
    assert grouped.coverage[1].precision > 0.94
    assert sum(one.count for one in grouped.segments) == grouped.rows == plain.rows == 1691

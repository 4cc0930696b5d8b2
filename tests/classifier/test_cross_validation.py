"""The recipe measured in folds and on valid rows: copies must flatter the plain folds alone."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classifier.learning.cross_validation import (
    Encoder,
    TooFewRowsError,
    by_chance,
    by_families,
    on_valid,
    transformer_on_valid,
)
from classifier.text.training import FOLDS, Table, TrainingRow, prepare
from classifier.text.transformer_types import Epoch
from tests.classifier.transcript_rows import read_rows
from tests.small_bert import save_encoder, toy

SOUNDS = ("ба", "ву", "ги", "до", "жэ", "зю", "ки", "лу", "мо", "ню", "пе", "ра", "со", "ты", "фу")
SILENT = "ДИНАМИЧНАЯ МУЗЫКА"


def invented(count: int, dice: random.Random) -> str:
    """Words that no other text has."""
    return " ".join("".join(dice.choices(SOUNDS, k=4)) for _ in range(count))


@pytest.fixture(scope="module")
def copied() -> Table:
    """Texts that say nothing of their segment, four nearly equal copies of each."""
    dice = random.Random(1)
    rows = []
    for family in range(24):
        text = invented(12, dice)
        rows += [
            TrainingRow(family % 2, f"{text} {invented(1, dice)}", "valid" if copy else "train")
            for copy in range(4)
        ]
    return prepare(rows)


def speaking(count: int, dice: random.Random, split: str) -> list[TrainingRow]:
    """Texts with a word that names their segment, among words that no other text has."""
    named = {0: "распродажа", 8: "ипотека"}
    return [
        TrainingRow(segment, f"{word} {invented(4, dice)} {word} {invented(3, dice)}", split)
        for segment, word in named.items()
        for _ in range(count)
    ]


@pytest.fixture(scope="module")
def rows() -> list[TrainingRow]:
    """Sixty rows to learn from and ten to measure on, the last of them without speech."""
    dice = random.Random(2)
    silent = TrainingRow(8, SILENT, "valid")
    return [*speaking(30, dice, "train"), *speaking(5, dice, "valid"), silent]


def test_copies_flatter_plain_folds_and_not_those_by_families(copied: Table) -> None:
    assert copied.family_count == 24
    ticks: list[None] = []
    honest = by_families(copied, lambda: ticks.append(None))
    plain = by_chance(copied, lambda: ticks.append(None))
    assert honest.rows == plain.rows == 96
    assert honest.macro_f1 < 0.7 < 0.95 < plain.macro_f1
    assert len(ticks) == 2 * FOLDS


def test_what_the_words_say_is_found_by_families_too(rows: Sequence[TrainingRow]) -> None:
    found = by_families(prepare(rows))
    assert found.macro_f1 > 0.9
    assert found.undecided == 1
    assert [one.number for one in found.segments] == [0, 8]


def test_valid_rows_are_judged_by_what_train_rows_taught(rows: Sequence[TrainingRow]) -> None:
    found = on_valid(prepare(rows))
    assert (found.rows, found.undecided) == (11, 1)
    assert found.macro_f1 > 0.9
    assert {one.number: one.count for one in found.segments} == {0: 5, 8: 6}
    # The same words with the labels of valid turned round: nothing of valid teaches.
    turned = [
        replace(row, segment=8 - row.segment) if row.split == "valid" else row for row in rows
    ]
    assert on_valid(prepare(turned)).macro_f1 < 0.1


def test_a_segment_that_is_valid_only_is_missed(rows: Sequence[TrainingRow]) -> None:
    other = TrainingRow(15, "плейлист и концерт", "valid")
    found = on_valid(prepare([*rows, other]))
    [score] = [one for one in found.segments if one.number == 15]
    assert (score.count, score.recall) == (1, 0.0)


def test_too_few_rows_are_counted(rows: Sequence[TrainingRow]) -> None:
    one_segment = prepare([row for row in rows if row.segment == 0])
    with pytest.raises(TooFewRowsError) as error:
        by_families(one_segment)
    assert (error.value.families, error.value.segments) == (35, 1)
    few = prepare([*rows[:2], *rows[30:32]])
    with pytest.raises(TooFewRowsError) as error:
        by_chance(few)
    assert (error.value.families, error.value.segments) == (4, 2)
    with pytest.raises(ValueError, match="nothing to judge"):
        on_valid(prepare(rows[:60]))


def test_a_transformer_is_measured_on_the_same_rows(tmp_path: Path) -> None:
    """Its own fine-tuning is tested elsewhere; here: which rows teach, which are judged."""
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
    told: list[Epoch] = []
    found = transformer_on_valid(rows, apart(rows), encoder, told.append)
    assert (found.rows, found.undecided) == (16, 1)
    assert [epoch.number for epoch in told] == list(range(1, len(told) + 1))
    truth = Counter(row.segment for row in rows if row.split == "valid")
    assert {one.number: one.count for one in found.segments if one.count} == truth
    # What valid says changes nothing of the training.
    turned = [replace(row, segment=0) if row.split == "valid" else row for row in rows]
    again: list[Epoch] = []
    transformer_on_valid(turned, apart(turned), encoder, again.append)
    assert again == told


def apart(rows: Sequence[TrainingRow]) -> Table:
    """The toy's texts are all alike; each is a family of its own here."""
    return replace(prepare(rows), families=np.arange(len(rows)))


@pytest.mark.reference
def test_the_real_transcripts_by_families_and_plainly(reference_data: Path) -> None:
    """Two in five of them have a near duplicate: plain folds must look better than they are."""
    table = prepare(read_rows(reference_data / "transcripts_dev.csv"))
    honest, plain = by_families(table), by_chance(table)
    assert honest.macro_f1 >= 0.79
    assert honest.macro_f1 + 0.02 < plain.macro_f1
    assert honest.ece <= 0.035
    assert honest.coverage[1].share >= 0.48
    assert honest.coverage[1].precision > 0.94
    assert sum(one.count for one in honest.segments) == honest.rows == plain.rows == 1691

"""Families of near duplicates."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from classifier.families import families

BREAD = "Свежий хлеб каждое утро в нашей булочной на углу, приходите всей семьёй."
FISH = "Копчёная скумбрия и солёная сельдь по цене улова, рыбный ряд у моря."


def test_near_duplicates_are_one_family_and_others_are_not() -> None:
    texts = [BREAD, FISH, BREAD.replace("семьёй", "семьей!"), FISH.upper(), "Совсем другое дело"]
    assert families(texts).tolist() == [0, 1, 0, 1, 2]


def test_likeness_is_passed_on() -> None:
    words = BREAD.split()
    chain = [" ".join(words[n:]) for n in range(9)]
    ends = families([chain[0], chain[-1]]).tolist()
    assert ends == [0, 1]
    assert set(families(chain).tolist()) == {0}


def test_texts_without_words_are_one_family() -> None:
    assert families(["", "  ", BREAD, "\n"]).tolist() == [0, 0, 1, 0]
    assert families(["", ""]).tolist() == [0, 0]
    assert families([]).tolist() == []


def test_the_threshold_is_a_parameter() -> None:
    assert families([BREAD, BREAD + " Булочная!"], similarity=0.999).tolist() == [0, 1]


@pytest.mark.reference
def test_families_of_the_reference_transcripts(reference_data: Path) -> None:
    with (reference_data / "transcripts_dev.csv").open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    assert families(texts).max() + 1 == 1255

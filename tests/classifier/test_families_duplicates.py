"""Families of near-duplicate texts, and fingerprints of texts."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest

from classifier.decision.bundle import Bundle
from classifier.text.families import families, fingerprints

BREAD = "Свежий хлеб каждое утро в нашей булочной на углу, приходите всей семьёй."
FISH = "Копчёная скумбрия и солёная сельдь по цене улова, рыбный ряд у моря."


def test_near_duplicates_form_a_family() -> None:
    texts = [BREAD, FISH, BREAD.replace("семьёй", "семьей!"), FISH.upper(), "Совсем другое дело"]
    assert families(texts).tolist() == [0, 1, 0, 1, 2]


def test_families_are_transitive() -> None:
    words = BREAD.split()
    chain = [" ".join(words[n:]) for n in range(9)]
    ends = families([chain[0], chain[-1]]).tolist()
    assert ends == [0, 1]
    assert set(families(chain).tolist()) == {0}


def test_blank_texts_are_one_family() -> None:
    assert families(["", "  ", BREAD, "\n"]).tolist() == [0, 0, 1, 0]
    assert families(["", ""]).tolist() == [0, 0]
    assert families([]).tolist() == []


def test_similarity_threshold_is_a_parameter() -> None:
    assert families([BREAD, BREAD + " Булочная!"], similarity=0.999).tolist() == [0, 1]


@pytest.mark.reference
def test_families_of_the_reference_transcripts(reference_data: Path) -> None:
    with (reference_data / "transcripts_dev.csv").open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    assert families(texts).max() + 1 == 1255


def test_fingerprint_ignores_case_spaces_and_punctuation() -> None:
    expected = int.from_bytes(hashlib.sha256("хлеб24часа".encode()).digest()[:8], "big")
    same = ["Хлеб 24 часа", "ХЛЕБ, 24 часа!", " хлеб\t24\nчаса… ", "«хлеб» — 24_часа"]
    assert fingerprints(same).tolist() == [expected] * 4
    assert fingerprints(same).dtype == np.uint64


def test_different_texts_have_different_fingerprints() -> None:
    texts = [BREAD, FISH, BREAD[:-5], "хлеб 24 часа", "хлеб 25 часов", ""]
    assert len(set(fingerprints(texts).tolist())) == len(texts)
    assert fingerprints(texts[::-1]).tolist() == fingerprints(texts).tolist()[::-1]


def test_texts_without_letters_have_a_fingerprint() -> None:
    odd = fingerprints(["", "!?", "\ud800", "҂ ☃"]).tolist()
    assert odd[0] == odd[1]
    assert fingerprints([]).shape == (0,)
    assert fingerprints([]).dtype == np.uint64


@pytest.mark.reference
def test_starter_has_fingerprints_of_its_training_texts(reference_data: Path) -> None:
    with (reference_data / "transcripts_dev.csv").open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    trained_on = Bundle.load().parts.training_fingerprints
    assert np.isin(fingerprints(texts), trained_on).all()
    assert not np.isin(fingerprints([BREAD, FISH]), trained_on).any()

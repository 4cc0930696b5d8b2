"""Hashed n-grams: the documented hash, their places, their weights."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest

from classifier.features import (
    BLOCK,
    BUCKETS,
    count_grams,
    inverse_document_frequency,
    locate_grams,
    tf_idf,
)

FOLDED = dict(zip("бвгджзщэёоыйяю", "пфктшсшееаииау", strict=True))
P = 0x100000001B3
WRAP = (1 << 64) - 1


def mixed(value: int) -> int:
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & WRAP
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & WRAP
    return value ^ (value >> 31)


def documented(text: str) -> dict[int, int]:
    """The counts of a text by the recipe of the module's docstring, one n-gram at a time."""
    folded = "".join(FOLDED.get(c, c) for c in text.lower() if c not in "ьъ")
    folded = re.sub(r"(\S)\1+", r"\1", folded)
    hashes = []
    for word in folded.split():
        padded = f" {word} "
        for length in (2, 3, 4, 5):
            for start in range(len(padded) - length + 1):
                codes = [ord(c) for c in padded[start : start + length]]
                terms = (c * P ** (length - 1 - k) for k, c in enumerate(codes))
                hashes.append(mixed((length + sum(terms)) & WRAP) >> 47)
    words = [
        mixed(sum(ord(c) * P**k for k, c in enumerate(word)) & WRAP)
        for word in re.findall(r"\w\w+", folded)
    ]
    pairs = [mixed((a * P + b) & WRAP) for a, b in pairwise(words)]
    hashes += [BLOCK + (value >> 47) for value in (*words, *pairs)]
    return {bucket: hashes.count(bucket) for bucket in set(hashes)}


def counted(texts: list[str], number: int) -> dict[int, int]:
    counts = count_grams(texts)
    mine = counts.text == number
    return dict(zip(counts.bucket[mine].tolist(), counts.count[mine].tolist(), strict=True))


TEXTS = [
    "Свежий хлеб, свежий сыр за 59,90!",
    "",
    "Подъезд № 7: «Ёлка» и съёмка — всё для вас",
    "Я и ты",
    "!",
    "tea & coffee 100% бесплатно бесплатно",
]


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_counts_follow_the_documented_hash_in_any_batch(number: int) -> None:
    assert counted(TEXTS, number) == documented(TEXTS[number])
    assert counted([TEXTS[number]], 0) == documented(TEXTS[number])


def test_the_hash_of_committed_models_stays() -> None:
    counts = count_grams(["Хлеб да соль"])
    assert counts.bucket[counts.bucket >= BLOCK].tolist() == GOLDEN


GOLDEN = [137639, 145290, 149995, 176377, 248654]


def test_counts_are_sorted_and_in_range() -> None:
    counts = count_grams(TEXTS)
    assert counts.texts == len(TEXTS)
    keys = counts.text * BUCKETS + counts.bucket
    assert (np.diff(keys) > 0).all()
    assert counts.bucket.min() >= 0
    assert counts.bucket.max() < BUCKETS


def test_no_texts_have_no_grams() -> None:
    assert len(count_grams([]).bucket) == 0
    assert len(count_grams(["", "  \t"]).bucket) == 0


def test_brands_that_sound_alike_come_nearer() -> None:
    def overlap(a: str, b: str) -> float:
        one, other = set(counted([a], 0)), set(counted([b], 0))
        return len(one & other) / len(one | other)

    assert counted(["Звербанк"], 0).keys() & counted(["Сфербанк"], 0).keys() > set()
    assert overlap("Звербанк", "Сфербанк") == 1.0
    assert overlap("Ёлка съела", "елка сьела") == 1.0
    assert overlap("Магнит", "Лента") < 0.2


@pytest.mark.parametrize(
    "text", ["  Банк  ЗЕНИТ,\tда…", "İstanbul ҕ ǅ банк", "съесть ссоль", "\ud800 банк 😀 банк"]
)
def test_places_lead_back_into_the_text_as_given(text: str) -> None:
    grams = locate_grams(text)
    assert len(grams.bucket)
    assert (grams.start >= 0).all()
    assert (grams.end <= len(text)).all()
    assert (grams.end > grams.start).all()
    counts = count_grams([text])
    found, times = np.unique(grams.bucket, return_counts=True)
    assert found.tolist() == counts.bucket.tolist()
    assert times.tolist() == counts.count.tolist()


def test_a_word_is_found_where_it_stands() -> None:
    text = "Сыр, хлеб и соль"
    grams = locate_grams(text)
    word = count_grams(["соль"])
    bucket = word.bucket[word.bucket >= BLOCK][0]
    place = np.flatnonzero(grams.bucket == bucket)[0]
    assert text[grams.start[place] : grams.end[place]] == "сол"  # the sign is silent


def test_values_have_unit_length_in_each_block_and_dampened_counts() -> None:
    counts = count_grams(TEXTS)
    idf = inverse_document_frequency(np.bincount(counts.bucket, minlength=BUCKETS), len(TEXTS))
    values = tf_idf(counts, idf)
    for number in (0, 2, 5):
        for block in (counts.bucket < BLOCK, counts.bucket >= BLOCK):
            assert np.sum(values[(counts.text == number) & block] ** 2) == pytest.approx(
                1, abs=1e-5
            )
    free = count_grams(["бесплатно"]).bucket[-1]
    place = np.flatnonzero((counts.text == 5) & (counts.bucket == free))[0]
    once = np.flatnonzero((counts.text == 5) & (counts.count == 1) & (counts.bucket >= BLOCK))[0]
    ratio = values[place] / values[once] * idf[counts.bucket[once]] / idf[free]
    assert ratio == pytest.approx(1 + np.log(2), abs=1e-4)


def test_idf_is_the_smoothed_one() -> None:
    idf = inverse_document_frequency(np.array([0, 1, 9]), 9)
    assert idf == pytest.approx([np.log(10) + 1, np.log(5) + 1, 1.0])

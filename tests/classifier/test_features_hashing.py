"""Features of texts: the documented hash, their places and their values."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest

from classifier.text.features import (
    BLOCK_WEIGHTS,
    BUCKETS,
    CONCEPTS,
    count_grams,
    inverse_document_frequency,
    locate_grams,
    tf_idf,
)
from classifier.text.hashing import BLOCK, name_hash

FOLDED = dict(zip("бвгджзщэёоыйяю", "пфктшсшееаииау", strict=True))
P = 0x100000001B3
WRAP = (1 << 64) - 1


def splitmix64(value: int) -> int:
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & WRAP
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & WRAP
    return value ^ (value >> 31)


def documented_counts(text: str) -> dict[int, int]:
    """Return the counts of a text, computed one n-gram at a time as documented in ``hashing``."""
    folded = "".join(FOLDED.get(c, c) for c in text.lower() if c not in "ьъ")
    folded = re.sub(r"(\S)\1+", r"\1", folded)
    hashes = []
    for word in folded.split():
        padded = f" {word} "
        for length in (2, 3, 4, 5):
            for start in range(len(padded) - length + 1):
                codes = [ord(c) for c in padded[start : start + length]]
                terms = (c * P ** (length - 1 - k) for k, c in enumerate(codes))
                hashes.append(splitmix64((length + sum(terms)) & WRAP) >> 47)
    spelled = re.findall(r"\w\w+", folded)
    words = [documented_word_hash(word) for word in spelled]
    pairs = [splitmix64((a * P + b) & WRAP) for a, b in pairwise(words)]
    hashes += [BLOCK + (value >> 47) for value in (*words, *pairs)]
    stems = [documented_word_hash(word[:5]) for word in spelled]
    for reach in (1, 2, 3):
        near = zip(stems, stems[reach:], strict=False)
        hashes += [2 * BLOCK + (splitmix64((min(n) * P + max(n)) & WRAP) >> 47) for n in near]
    hashes += [2 * BLOCK + (value >> 47) for value in stems]
    return {bucket: hashes.count(bucket) for bucket in set(hashes)}


def documented_word_hash(name: str) -> int:
    return splitmix64(sum(ord(c) * P**k for k, c in enumerate(name)) & WRAP)


def counts_without_lexicon(texts: list[str], number: int) -> dict[int, int]:
    """Return the counts of the three blocks without the lexicon."""
    counts = count_grams(texts)
    selected = (counts.text == number) & (counts.bucket < 3 * BLOCK)
    return dict(zip(counts.bucket[selected].tolist(), counts.count[selected].tolist(), strict=True))


TEXTS = [
    "Свежий хлеб, свежий сыр за 59,90!",
    "",
    "Подъезд № 7: «Ёлка» и съёмка — всё для вас",
    "Я и ты",
    "!",
    "tea & coffee 100% бесплатно бесплатно",
]


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_counts_follow_the_documented_hash(number: int) -> None:
    assert counts_without_lexicon(TEXTS, number) == documented_counts(TEXTS[number])
    assert counts_without_lexicon([TEXTS[number]], 0) == documented_counts(TEXTS[number])


def test_hash_of_committed_models_is_unchanged() -> None:
    counts = count_grams(["Хлеб да соль"])
    words = counts.bucket[(counts.bucket >= BLOCK) & (counts.bucket < 2 * BLOCK)]
    assert words.tolist() == GOLDEN
    assert name_hash("grocer") == documented_word_hash("grocer")


GOLDEN = [137639, 145290, 149995, 176377, 248654]


def test_counts_are_sorted_and_in_range() -> None:
    counts = count_grams(TEXTS)
    assert counts.texts == len(TEXTS)
    keys = counts.text * BUCKETS + counts.bucket
    assert (np.diff(keys) > 0).all()
    assert counts.bucket.min() >= 0
    assert counts.bucket.max() < BUCKETS


def test_blank_texts_have_no_grams() -> None:
    assert len(count_grams([]).bucket) == 0
    assert len(count_grams(["", "  \t"]).bucket) == 0


def test_brands_with_the_same_sound_share_grams() -> None:
    def overlap(a: str, b: str) -> float:
        one, other = set(counts_without_lexicon([a], 0)), set(counts_without_lexicon([b], 0))
        return len(one & other) / len(one | other)

    assert overlap("Звербанк", "Сфербанк") == 1.0
    assert overlap("Ёлка съела", "елка сьела") == 1.0
    assert overlap("Магнит", "Пила") < 0.2


@pytest.mark.parametrize(
    "text", ["  Банк  ЗЕНИТ,\tда…", "İstanbul ҕ ǅ банк", "съесть ссоль", "\ud800 банк 😀 банк"]
)
def test_gram_places_are_offsets_into_the_given_text(text: str) -> None:
    grams = locate_grams(text)
    assert len(grams.bucket)
    assert (grams.start >= 0).all()
    assert (grams.end <= len(text)).all()
    assert ((grams.end > grams.start) | (grams.end == 0)).all()
    counts = count_grams([text])
    found, repetitions = np.unique(grams.bucket, return_counts=True)
    assert found.tolist() == counts.bucket.tolist()
    assert repetitions.tolist() == counts.count.tolist()


def test_gram_of_a_word_has_its_place() -> None:
    text = "Сыр, хлеб и соль"
    grams = locate_grams(text)
    word = count_grams(["соль"])
    bucket = word.bucket[word.bucket // BLOCK == 1][0]
    place = np.flatnonzero(grams.bucket == bucket)[0]
    assert text[grams.start[place] : grams.end[place]] == "сол"  # the soft sign is removed


def test_values_have_the_norm_of_their_block_and_logarithmic_counts() -> None:
    counts = count_grams(TEXTS)
    idf = inverse_document_frequency(np.bincount(counts.bucket, minlength=BUCKETS), len(TEXTS))
    values = tf_idf(counts, idf)
    block = counts.bucket // BLOCK
    for number in (0, 2, 5):
        for one in range(3):
            length = np.sum(values[(counts.text == number) & (block == one)] ** 2)
            assert length == pytest.approx(BLOCK_WEIGHTS[one] ** 2, abs=1e-5)
    free = count_grams(["бесплатно"])
    twice = np.isin(counts.bucket, free.bucket[free.bucket // BLOCK == 1]) & (counts.text == 5)
    once = (counts.text == 5) & (counts.count == 1) & (block == 1)
    scaled = values / idf[counts.bucket]
    assert scaled[twice][0] / scaled[once][0] == pytest.approx(1 + np.log(2), abs=1e-4)


def test_lexicon_matches_count_once() -> None:
    counts = count_grams(["скидка скидка скидка, кредит"])
    idf = np.ones(BUCKETS, np.float32)
    values = tf_idf(counts, idf)[counts.bucket // BLOCK == CONCEPTS]
    assert counts.count[counts.bucket // BLOCK == CONCEPTS].max() >= 3
    assert np.ptp(values) == pytest.approx(0, abs=1e-6)


def test_idf_is_smoothed() -> None:
    idf = inverse_document_frequency(np.array([0, 1, 9]), 9)
    assert idf == pytest.approx([np.log(10) + 1, np.log(5) + 1, 1.0])

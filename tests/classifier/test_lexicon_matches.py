"""Matches of the lexicon, in correct spelling and in that of a recogniser."""

from __future__ import annotations

import pytest

from classifier.text.hashing import name_hash, pair_hashes
from classifier.text.lexicon import LexiconMatches, find
from classifier.text.lexicon_words import BRANDS, COMBINED, TOPICS
from classifier.text.phonetics import fold, folded_word, join


def lexicon_matches(text: str) -> LexiconMatches:
    written = join([text])
    return find(written, fold(written))


def has_match(text: str, name: str) -> bool:
    return name_hash(name) in lexicon_matches(text).concepts.hashes


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("Ждём вас в Пятёрочке!", "grocer"),
        ("петёрочка", "grocer"),
        ("в перекрёске", "grocer"),
        ("Сама-кат привезёт", "courier"),
        ("сбермаркет", "courier"),
        ("звермаркет", "courier"),
        ("Деливири клаб", "courier"),
        ("кашбек до 10%", "cashback"),
        ("дебютовая карта", "debit"),
        ("сто дней без процентов", "credit_card"),
        ("эпотека от банка", "mortgage"),
        ("Альфа Банк", "bank"),
        ("ВТБ", "bank"),
        ("Алиса, включи музыку", "command"),
        ("ВКонтакте", "social_network"),
        ("всего за 199,90", "a price"),
        ("за девяносто девять рублей", "a price"),
        ("за 99 рублей", "a price"),
        ("скидка тридцать процентов", "a percentage"),
        ("скидка 30%", "a percentage"),
        ("двести граммов", "number"),
        ("200 граммов", "number"),
    ],
)
def test_groups_are_matched(text: str, group: str) -> None:
    assert has_match(text, group)


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("магнитола играет", "grocer"),
        ("лентопротяжный механизм", "grocer"),
        ("мы ждём вас", "number"),
        ("процент доверия", "a percentage"),
        ("спички", "bank"),
        ("дом и сад", "delivery"),
    ],
)
def test_other_words_do_not_match(text: str, group: str) -> None:
    assert not has_match(text, group)


def test_match_places_refer_to_the_given_text() -> None:
    text = "Ну что? Подъезжай в Перекрёсток"
    concepts = lexicon_matches(text).concepts
    place = concepts.hashes.tolist().index(name_hash("grocer"))
    start, end = int(concepts.start[place]) - 1, int(concepts.end[place]) - 1
    assert text[start:end] == "Перекрёсток"


def test_pairs_of_groups_have_any_order_within_one_text() -> None:
    pair = pair_hashes(*(name_hash(name).reshape(1) for name in ("grocer", "delivery")))
    for text in ("Доставка из Пятёрочки", "Пятёрочка: быстрая доставка"):
        assert pair[0] in lexicon_matches(text).concepts.hashes
    written = join(["Пятёрочка", "доставка"])
    assert pair[0] not in find(written, fold(written)).concepts.hashes


def test_sequences_have_an_order() -> None:
    pair = pair_hashes(*(name_hash(name).reshape(1) for name in ("delivery", "free")))
    assert pair[0] in lexicon_matches("доставка у нас бесплатная").sequences.hashes
    assert pair[0] not in lexicon_matches("бесплатная доставка").sequences.hashes


def test_matches_do_not_depend_on_the_batch() -> None:
    texts = ["Сбер и Пятёрочка", "", "скидка 20%", "!", "цена 5", "рублей", "20", "процентов"]
    written = join(texts)
    in_batch = find(written, fold(written))
    each_alone = [lexicon_matches(text) for text in texts]
    for part in ("concepts", "sequences"):
        expected = [value for one in each_alone for value in getattr(one, part).hashes.tolist()]
        assert sorted(getattr(in_batch, part).hashes.tolist()) == sorted(expected)


def test_every_entry_matches_its_own_group() -> None:
    for group, entries in (BRANDS | TOPICS).items():
        for entry in entries.split(","):
            text = " ".join(entry.split()).rstrip("=")
            if text:
                assert len(folded_word(text)) >= 2, text
                assert has_match(text, group), (group, text)


def test_combined_groups_exist() -> None:
    names = {*BRANDS, *TOPICS, "a price", "a percentage"}
    assert set(COMBINED) <= names
    assert len(set(COMBINED)) == len(COMBINED)

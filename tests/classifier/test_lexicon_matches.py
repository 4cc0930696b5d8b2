"""The lexicon: brands and topics are found as they are written, and as a recogniser hears them."""

from __future__ import annotations

import pytest

from classifier.text.hashing import name_hash, pair_hashes
from classifier.text.lexicon import LexiconMatches, find
from classifier.text.lexicon_words import BRANDS, COMBINED, TOPICS
from classifier.text.phonetics import fold, folded_word, join


def known(text: str) -> LexiconMatches:
    written = join([text])
    return find(written, fold(written))


def finds(text: str, name: str) -> bool:
    return name_hash(name) in known(text).concepts.hashes


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
def test_groups_are_found(text: str, group: str) -> None:
    assert finds(text, group)


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
def test_other_words_are_left_alone(text: str, group: str) -> None:
    assert not finds(text, group)


def test_places_are_those_of_the_text_as_given() -> None:
    text = "Ну что? Подъезжай в Перекрёсток"
    concepts = known(text).concepts
    place = concepts.hashes.tolist().index(name_hash("grocer"))
    start, end = int(concepts.start[place]) - 1, int(concepts.end[place]) - 1
    assert text[start:end] == "Перекрёсток"


def test_groups_meet_in_any_order_within_one_text_only() -> None:
    meeting = pair_hashes(*(name_hash(name).reshape(1) for name in ("grocer", "delivery")))
    for text in ("Доставка из Пятёрочки", "Пятёрочка: быстрая доставка"):
        assert meeting[0] in known(text).concepts.hashes
    written = join(["Пятёрочка", "доставка"])
    assert meeting[0] not in find(written, fold(written)).concepts.hashes


def test_sequences_keep_their_order() -> None:
    then = pair_hashes(*(name_hash(name).reshape(1) for name in ("delivery", "free")))
    assert then[0] in known("доставка у нас бесплатная").sequences.hashes
    assert then[0] not in known("бесплатная доставка").sequences.hashes


def test_a_batch_finds_what_each_text_alone_has() -> None:
    texts = ["Сбер и Пятёрочка", "", "скидка 20%", "!"]
    written = join(texts)
    together = find(written, fold(written))
    alone = [known(text) for text in texts]
    for part in ("concepts", "sequences"):
        expected = [value for one in alone for value in getattr(one, part).hashes.tolist()]
        assert sorted(getattr(together, part).hashes.tolist()) == sorted(expected)


def test_every_entry_finds_its_own_group() -> None:
    for group, entries in (BRANDS | TOPICS).items():
        for entry in entries.split(","):
            text = " ".join(entry.split()).rstrip("=")
            if text:
                assert len(folded_word(text)) >= 2, text
                assert finds(text, group), (group, text)


def test_what_is_combined_exists() -> None:
    names = {*BRANDS, *TOPICS, "a price", "a percentage"}
    assert set(COMBINED) <= names
    assert len(set(COMBINED)) == len(COMBINED)

"""Cleaning of the words that Tesseract read, and merging of lines."""

from __future__ import annotations

import pytest

from classifier.screen import ScreenLine, ScreenText
from classifier.screen.cleaning import clean_line
from classifier.screen.merging import merge_lines
from classifier.screen.tesseract import Word


def line(text: str, confidence: float = 0.95) -> str | None:
    found = clean_line([Word(word, confidence) for word in text.split()])
    return found and found[0]


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        ("всего 89,90 Р", "всего 89,90 ₽"),
        ("всего 89,90 2", "всего 89,90 ₽"),
        ("всего 89,902", "всего 89,90 ₽"),
        ("за 79 990 2?", "за 79 990 ₽"),
        ("за 79 990 ®", "за 79 990 ₽"),
        ("599р в месяц", "599 ₽ в месяц"),
        ("Молоко 79 2 вместо 119 P", "Молоко 79 ₽ вместо 119 ₽"),
        ("990 руб.", "990 руб."),
        ("8 800 2 500", "8 800 2 500"),
        ("набор 3 в 1", "набор 3 в 1"),
        ("Ставка 5,9%", "Ставка 5,9%"),
    ],
)
def test_rouble_signs_are_restored(read: str, expected: str) -> None:
    assert line(read) == expected


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        ("| всего ы ~ за день", "всего за день"),
        ("молоко 1 л", "молоко 1 л"),
        ("'Цены в магазинах", "Цены в магазинах"),
        ("000 «Агроторг»", "ООО «Агроторг»"),
        ("MTC Premium", "МТС Premium"),
        ("Промокод JIABKA500", "Промокод ЛАВКА500"),
        ("Закажите на ozon.ru", "Закажите на ozon.ru"),
        ("sberbank.com/credit", "sberbank.com/credit"),
        ("App Store", "App Store"),
        ("iPhone 3a 990 P", "iPhone за 990 ₽"),
        ("18+", "18+"),
    ],
)
def test_specks_are_removed_and_misread_letters_corrected(read: str, expected: str) -> None:
    assert line(read) == expected


@pytest.mark.parametrize("read", ["", "и", "| ~ —", "ы л", "«»"])
def test_line_without_words_is_none(read: str) -> None:
    assert line(read) is None


def test_words_of_low_confidence_are_dropped() -> None:
    assert line("мтарегте", 0.3) is None
    assert line("жк", 0.6) is None
    assert clean_line([Word("доставка", 0.95), Word("1а\\Ка", 0.2)]) == ("доставка", 0.95)


def reading(text: str, seconds: float, confidence: float = 0.9) -> ScreenLine:
    return ScreenLine(text, seconds, seconds, confidence)


def test_the_most_confident_reading_of_a_line_is_kept() -> None:
    merged = merge_lines(
        [
            reading("бесплатная дос7авка", 1.0, 0.5),
            reading("Магнит", 1.0),
            reading("Бесплатная доставка!", 2.0, 0.9),
            reading("бесплатная достаека", 3.0, 0.7),
        ]
    )
    assert merged == (
        ScreenLine("Бесплатная доставка!", 1.0, 3.0, 0.9),
        ScreenLine("Магнит", 1.0, 1.0, 0.9),
    )


def test_sharp_reading_replaces_the_blurred_one() -> None:
    sharp = "Смотрите на сайте или в магазинах"
    merged = merge_lines([reading("Смотрите на сэйтеипи Baines", 0.0, 0.55), reading(sharp, 1.0)])
    assert merged == (ScreenLine(sharp, 0.0, 1.0, 0.9),)


def test_lines_with_other_numbers_differ_unless_confidence_is_low() -> None:
    sure_readings = [reading("всего 89,90 ₽", 0.0), reading("всего 79,90 ₽", 1.0)]
    assert [line.text for line in merge_lines(sure_readings)] == ["всего 89,90 ₽", "всего 79,90 ₽"]
    unsure_readings = [reading("всего 89,90 ₽", 0.0), reading("всего 69,90 ₽", 1.0, 0.5)]
    assert [line.text for line in merge_lines(unsure_readings)] == ["всего 89,90 ₽"]


@pytest.mark.parametrize(
    ("one", "other"), [("Цена 9,99 ₽", "Цена 999 ₽"), ("Ставка 1.5 %", "Ставка 15 %")]
)
def test_numbers_that_differ_in_the_decimal_separator_differ(one: str, other: str) -> None:
    assert [line.text for line in merge_lines([reading(one, 0.0), reading(other, 1.0)])] == [
        one,
        other,
    ]


@pytest.mark.parametrize("same", ["Вклад: 1000 ₽.", "Вклад 1 000 ₽", "Вклад 1 000, ₽"])
def test_spaces_and_punctuation_beside_numbers_do_not_matter(same: str) -> None:
    assert len(merge_lines([reading("Вклад 1 000 ₽", 0.0), reading(same, 1.0)])) == 1


def test_different_lines_are_kept_in_order() -> None:
    lines = merge_lines([reading("Карта Лента", 0.0), reading("Карта лояльности", 0.0)])
    assert ScreenText(lines).text == "Карта Лента\nКарта лояльности"
    assert ScreenText().text == ""

"""The terms of the analysts' dictionary are found on a screen, and only these."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import spots
from classifier.screen import terms
from classifier.screen.terms import BANKS, MEDIA, SHOPS, TERMS
from classifier.segments import NUMBERS

FAMILIES = (SHOPS, BANKS, MEDIA)
# For each term, a text that names this term and no other.
EXAMPLES = {
    "price": "Сыр 549 ₽",
    "delivery": "Привезём за час",
    "loyalty": "Баллы за покупки",
    "draw": "Большой розыгрыш",
    "range": "Премиальное обслуживание",
    "business": "Эквайринг",
    "lending": "Ипотека",
    "debit": "Пенсионная",
    "credit card": "Рассрочка",
    "savings": "Накопительный счёт",
    "music": "Концерт",
    "speaker": "Умная колонка",
    "films and clips": "Новый сериал",
    "social network": "Соцсеть",
    "services": "Такси",
}


def named(text: str) -> set[str]:
    """Return the names of the found terms, by both ways to find them."""
    found = set(terms.find(text))
    assert terms.named(text) == found
    assert terms.named(text.upper()) == set(terms.find(text.upper()))
    return found


def columns(segments: frozenset[int]) -> NDArray[np.bool_]:
    return np.isin(NUMBERS, sorted(segments))


def weighed(text: str, before: NDArray[np.float64]) -> NDArray[np.float64]:
    return terms.weigh(before, terms.likelihood([text], NUMBERS), NUMBERS)


def test_every_term_has_an_example_and_every_example_one_term() -> None:
    assert set(EXAMPLES) == {term.name for term in TERMS}
    for name, text in EXAMPLES.items():
        assert named(text) == {name}, text
        assert named(text.upper()) == {name}, text


@pytest.mark.parametrize(
    "text",
    [
        "64,99 ₽", "549₽", "549 руб.", "1 290 ₽ за м²", "899 Рублей", "−40% на сыры", "−5 %",
        "Ставка 5,9 %", "10,00 ₽", "ПРОМОКОД ЛЕТО", "Без скидок",
    ],
)  # fmt: skip
def test_a_price_is_found(text: str) -> None:
    assert "price" in named(text)


@pytest.mark.parametrize(
    "text",
    [
        "Обслуживание 0 ₽", "0,00 ₽ в месяц", "0.00 руб", "8 ГБ", "30 ГБ и 500 минут",
        "с 1990 года", "Нам 30 лет", "В 2025 году", "24 часа", "дом 24", "Акция с 1 по 15.03.2026",
        "5G", "100 км",
    ],
)  # fmt: skip
def test_other_numbers_are_no_price(text: str) -> None:
    assert "price" not in named(text)


@pytest.mark.parametrize(
    ("text", "found", "absent"),
    [
        ("Доставка 0 ₽", {"delivery"}, {"price"}),
        ("Доставим за 15 минут", {"delivery"}, set()),
        ("Доставка пиццы 399 ₽", {"delivery", "price"}, set()),
        ("Скидка на первый\nзаказ", {"delivery", "price"}, set()),
        ("Домашний творог", set(), {"delivery"}),
        ("Сыр на домашней закваске", set(), {"delivery"}),
        ("Цена с Выручай-картой", {"loyalty"}, set()),
        ("Покажите карту на кассе", {"loyalty"}, set()),
        ("Кредитная карта", {"credit card"}, {"loyalty", "lending"}),
        ("Кредит на всё", {"lending"}, {"credit card"}),
        ("Бизнес-зал в аэропорту", {"range"}, {"business"}),
        ("бизнес–залы", {"range"}, {"business"}),
        ("Бизнес зал", {"range"}, {"business"}),
        ("Счёт для бизнеса", {"business"}, {"range"}),
        ("Для ИП и ООО", {"business"}, set()),
        ("Типы карт", set(), {"business"}),
        ("Рипли. Концерт", {"music"}, {"business"}),
        ("Хитрый план", set(), {"music"}),
        ("Туризм", set(), {"music"}),
    ],
)
def test_terms_are_distinguished_from_similar_words(
    text: str, found: set[str], absent: set[str]
) -> None:
    assert found <= named(text)
    assert not absent & named(text)


def test_three_products_of_a_bank_are_a_range() -> None:
    two = "Вклад\nКредит"
    three = f"{two}\nРассрочка"
    assert "range" not in named(two)
    places = [place[0] for place in terms.find(three)["range"]]
    assert {one.casefold() for one in places} == {"вклад", "кредит", "рассрочк"}
    assert [one.text for one in terms.evidence(three, 9)] == ["Вклад", "Кредит", "Рассрочк"]


def test_legal_line_is_ignored() -> None:
    offer = "Творог домашний\n"
    for legal in (
        "*Реклама. ООО «Доставка и концерт», скидка 50%, 990 ₽",
        "РЕКЛАМА. Премиум, ипотека",
        "Реклама. ИП Музыкин. Кредит",
    ):
        assert named(legal) == set()
        assert named(offer + legal) == set()
        assert named(f"{legal}\nКонцерт") == {"music"}
    assert named("Рекламация. Доставка") == {"delivery"}
    assert terms.find("Реклама. Скидки\nКонцерт")["music"][0].start() == 16


def test_evidence_is_the_text_at_its_place() -> None:
    count = 0
    for spot in spots.load():
        text = "\n".join(line for card in spot.cards for line in card)
        for segment in NUMBERS:
            found = terms.evidence(text, segment)
            count += len(found)
            for one in found:
                assert text[one.start : one.end] == one.text
                assert one.weight > 0
            assert [one.start for one in found] == sorted(one.start for one in found)
            words = [one.text.casefold() for one in found]
            assert len(words) == len(set(words))
    assert count > 300


def test_evidence_is_that_of_the_given_segment() -> None:
    text = "Скидка 30%\nс картой. Скидка каждый день\n*Реклама. Скидка"
    assert [one.text for one in terms.evidence(text, 0)] == ["Скидк", "30%"]
    assert [one.text for one in terms.evidence(text, 4)] == ["Скидк", "30%", "с картой"]
    assert [one.text for one in terms.evidence(text, 2)] == ["с картой"]
    assert terms.evidence(text, 1) == terms.evidence(text, 12) == ()
    assert terms.evidence("", 0) == ()


@pytest.mark.parametrize(
    "text", [*EXAMPLES.values(), "Магнит", "; ".join(EXAMPLES.values()), "☃ ҂"]
)
def test_families_keep_their_sum_of_probabilities(text: str) -> None:
    before = np.random.default_rng(1).dirichlet(np.full(len(NUMBERS), 0.3), 8)
    after = weighed(text, before)
    assert (after >= 0).all()
    assert after.sum(axis=1) == pytest.approx(1)
    for family in FAMILIES:
        inside = columns(family)
        assert after[:, inside].sum(axis=1) == pytest.approx(before[:, inside].sum(axis=1))
    assert not np.allclose(after, before)


def test_families_contain_each_segment_once() -> None:
    assert sorted(number for family in FAMILIES for number in family) == list(NUMBERS)
    for term in TERMS:
        assert term.segments < term.family
        assert any(term.family <= family for family in FAMILIES)


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_term_favours_its_segments_over_others_of_the_family(term: terms.Term) -> None:
    flat = np.full((1, len(NUMBERS)), 1 / len(NUMBERS))
    [named_row], [other_row] = weighed(EXAMPLES[term.name], flat), weighed("Магнит", flat)
    own, others = columns(term.segments), columns(term.family - term.segments)
    odds = [row[own].sum() / row[others].sum() for row in (named_row, other_row)]
    assert odds[0] > 20 * odds[1]


def test_term_changes_the_odds_by_its_likelihood_ratio() -> None:
    """Two shop segments with and without a price: 0.7 to 0.05 if named, 0.3 to 0.95 if not."""
    flat = np.full((1, len(NUMBERS)), 1 / len(NUMBERS))
    [with_price], [without] = weighed("549 ₽", flat), weighed("Магнит", flat)
    # Segments 0 and 1 differ in the price and in the draw, which is not named.
    draw = (1 - 0.05) / (1 - 0.7)
    assert with_price[0] / with_price[1] == pytest.approx(0.7 / 0.05 * draw)
    assert without[0] / without[1] == pytest.approx(0.3 / 0.95 * draw)


def test_empty_text_changes_nothing() -> None:
    before = np.random.default_rng(2).dirichlet(np.ones(len(NUMBERS)), 2)
    before[1] = np.nan
    likelihood = terms.likelihood(["", "Скидка"], NUMBERS)
    assert (likelihood[0] == 1).all()
    assert (likelihood[1] != 1).any()
    after = terms.weigh(before, likelihood, NUMBERS)
    assert after[0] == pytest.approx(before[0])
    assert np.isnan(after[1]).all()
    assert terms.likelihood([], NUMBERS).shape == (0, len(NUMBERS))


def test_family_with_probability_zero_keeps_it() -> None:
    before = np.zeros((1, len(NUMBERS)))
    before[0, columns(MEDIA)] = 0.2
    after = weighed("Скидка на ипотеку и концерт", before)
    assert np.isfinite(after).all()
    assert after[0, ~columns(MEDIA)].sum() == 0
    assert after.sum() == pytest.approx(1)


def test_likelihood_of_a_text_does_not_depend_on_the_others() -> None:
    texts = [*EXAMPLES.values(), "", "Магнит"]
    together = terms.likelihood(texts, NUMBERS)
    for place, text in enumerate(texts):
        assert np.array_equal(terms.likelihood([text], NUMBERS)[0], together[place])
    assert np.array_equal(terms.likelihood(texts[::-1], NUMBERS), together[::-1])

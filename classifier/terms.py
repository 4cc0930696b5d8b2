"""What the words on a screen say by the analysts' dictionary: a price, a delivery, a card.

The dictionary tells neighbouring segments apart by what an offer names: a shop's spot with a price
is promo, with a card loyalty. A screen shows such terms in print, while the text model has learned
from speech, where they come and go. So within a family of segments the model's probabilities are
weighed by the terms that were found.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.evidence import Evidence
from classifier.segments import NUMBERS

# A guess, for there are no labelled screens: seven screens in ten name the term of their segment,
# one in twenty names that of another.
NAMED, NAMED_ELSEWHERE = 0.7, 0.05
SEVERAL = 3

SHOPS, BANKS = frozenset({0, 1, 2, 3, 4, 5}), frozenset({7, 8, 9, 10, 11, 12, 13})


@dataclass(frozen=True, slots=True)
class Term:
    """Words that speak for some segments of a family and against its others."""

    name: str
    segments: frozenset[int]
    family: frozenset[int]
    words: re.Pattern[str]


def _words(*stems: str) -> re.Pattern[str]:
    return re.compile("|".join(stems), re.IGNORECASE)


TERMS = (
    Term(
        "price",
        frozenset({0, 3, 4}),
        SHOPS,
        _words(
            r"(?<!\b0[.,])\d{2,}(?:[.,]\d\d)?\s*(?:₽|руб)", r"[−–-]?\d+(?:[.,]\d+)?\s*%", "скидк",
            "скидок", "промокод", "вместо", "распродаж", "уценк", "по акции", "спеццен", "дешевле",
        ),
    ),
    Term(
        "delivery",
        frozenset({3, 5}),
        SHOPS,
        _words(
            "достав", "прив[её]з", "курьер", r"на дом\b", "до двери", "к двери",
            r"онлайн-?\s?заказ", r"первый\s+заказ", r"заказ\w* (?:на дом|онлайн)",
        ),
    ),
    Term(
        "loyalty",
        frozenset({2, 4}),
        SHOPS,
        _words(
            "лояльн", "клубн", "по карт", "с картой", "-картой", r"карт\w* (?:клуб|постоянн|покуп)",
            "балл", "бонус", "с приложением", "выручай", "предъявите карт", "покажите карт",
            "наклейк", "фишк",
        ),
    ),
    Term(
        "range",
        frozenset({9}),
        BANKS,
        _words(
            "премиальн", "премиум", "привилег", "пакет", r"персональн\w*\s+менеджер",
            r"бизнес\W?зал", "подписк", "в одном",
        ),
    ),
    Term(
        "business",
        frozenset({11}),
        BANKS,
        _words(
            r"бизнес(?!\W?зал)", "предприним", r"\bип\b", "самозанят", "эквайр", "госзакуп",
            "юрлиц", "компани[ий]", "расч[её]тн", r"\bрко\b",
        ),
    ),
)  # fmt: skip
# Three of them on one screen are a range, too.
_PRODUCTS = tuple(
    re.compile(stems, re.IGNORECASE)
    for stems in (
        "вклад|сч[её]т|сбереж", "кредит(?!н)|займ|рефинанс", "ипотек", r"карт[аыуе]?\b|кэшб",
        "инвест|брокер", "страхов", "перевод|платеж",
    )
)  # fmt: skip
# The name of the advertiser in the line that the law asks for is no word of the offer.
_LEGAL = re.compile(r"\bреклама\..*", re.IGNORECASE)


def find(text: str) -> dict[str, tuple[re.Match[str], ...]]:
    """The terms that a screen names, each with the places where it does."""
    offer = _LEGAL.sub(lambda line: "\n" * len(line[0]), text)
    found = {term.name: tuple(term.words.finditer(offer)) for term in TERMS}
    if not found["range"]:
        products = [match for product in _PRODUCTS if (match := product.search(offer))]
        found["range"] = tuple(products) if len(products) >= SEVERAL else ()
    return {name: places for name, places in found.items() if places}


def evidence(text: str, segment: int) -> tuple[Evidence, ...]:
    """The places that name a term of this segment, each word once; ``weight``: the logarithm of
    how much likelier the term makes it beside a segment without the term."""
    found = find(text)
    places = [
        place for term in TERMS if segment in term.segments for place in found.get(term.name, ())
    ]
    once = {place[0].casefold(): place for place in reversed(places)}
    weight = math.log(NAMED / NAMED_ELSEWHERE)
    return tuple(
        Evidence(place[0], place.start(), place.end(), weight)
        for place in sorted(once.values(), key=lambda place: place.start())
    )


def weigh(texts: Sequence[str], probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities (texts, 18), weighed by the terms of each text; families keep their mass."""
    result = probabilities.copy()
    for row, text in enumerate(texts):
        named = find(text)
        for term in TERMS:
            likelihood = np.where(_IN[term.segments], NAMED, NAMED_ELSEWHERE)
            if term.name not in named:
                likelihood = 1 - likelihood
            result[row] *= np.where(_IN[term.family], likelihood, 1.0)
    for family in (SHOPS, BANKS):
        inside = _IN[family]
        before = probabilities[:, inside].sum(axis=1, keepdims=True)
        now = result[:, inside].sum(axis=1, keepdims=True)
        result[:, inside] *= before / np.maximum(now, np.finfo(np.float64).tiny)
    return result


_IN = {
    group: np.isin(NUMBERS, list(group))
    for group in {SHOPS, BANKS} | {term.segments for term in TERMS}
}

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

from classifier.segments import NUMBERS
from classifier.text.evidence import Evidence

# A guess, for there are no labelled screens: seven screens in ten name the term of their segment,
# one in twenty names that of another.
NAMED, NAMED_ELSEWHERE = 0.7, 0.05
SEVERAL = 3

SHOPS = frozenset({0, 1, 2, 3, 4, 5})
BANKS = frozenset({7, 8, 9, 10, 11, 12, 13})
MEDIA = frozenset({14, 15, 16, 17, 18})
# What a bank sells to one person, one product at a time.
_PRODUCTS_ALONE = BANKS - {9, 11}


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
    Term("price", frozenset({0, 3, 4}), SHOPS, _words(
        r"(?<!\b0[.,])\d{2,}(?:[.,]\d\d)?\s*(?:₽|руб(?:л|\.|\b))", r"[−–-]?\d+(?:[.,]\d+)?\s*%",
        "скид[ко]", "промокод", "вместо", "распродаж", "уценк", "по акции", "спеццен", "дешевле",
        "купон",
        r"по цене (?:одно|дву)", r"плати\w* за", r"\d\s*=\s*\d",
    )),
    Term("delivery", frozenset({3, 5}), SHOPS, _words(
        "достав", "прив[её]з", "курьер", r"на дом\b", "до двери", "к двери", r"онлайн-?\s?заказ",
        r"первый\s+заказ", r"заказ\w* (?:на дом|онлайн)",
    )),
    Term("loyalty", frozenset({2, 4}), SHOPS, _words(
        "лояльн", r"\bклуб", "по карт[еы]", "с карт(?:ой|ами)", "-картой", "ваша карта",
        r"карт\w* (?:постоянн|покуп)", r"\bбалл", "бонус", "с приложением", "в приложении",
        "выручай", "предъявите карт", "покажите карт", "наклейк", "фишк",
    )),
    Term("draw", frozenset({1}), SHOPS, _words(
        "розыгрыш", "разыгр", r"\bприз", "победител", "выигр", "с новым годом",
    )),
    Term("range", frozenset({9}), BANKS - {11}, _words(
        "премиальн", "премиум", "привилег", "пакет", r"(?:персональн|личн)\w*\s+менеджер",
        r"бизнес\W?зал", "консьерж", "подписк", "в одном",
    )),
    Term("business", frozenset({11}), BANKS, _words(
        r"бизнес(?!\W?зал)", "предприним", "предприят", r"\bип\b", "самозанят", "эквайр",
        "госзакуп", "юрлиц", "компани[ий]", "расч[её]тн", r"\bрко\b", "сотрудник",
    )),
    Term("lending", frozenset({8}), _PRODUCTS_ALONE, _words(
        r"кредит(?:а|ом|у|ы|ов)?\b", "ипотек", "рефинанс", r"за[её]м", r"займ", "новостро",
    )),
    Term("debit", frozenset({10}), _PRODUCTS_ALONE, _words(
        "дебетов", "зарплатн", "пенсионн", r"карт\w+ мир\b", "к[еэ]шб[еэ]к", "молод[её]жн",
    )),
    Term("credit card", frozenset({12}), _PRODUCTS_ALONE, _words(
        r"кредитк", r"кредитн\w+ карт", "рассрочк", "льготн", "без процентов", "беспроцентн",
    )),
    Term("savings", frozenset({13}), _PRODUCTS_ALONE, _words(
        "вклад", "накопит", "депозит", "сбере[гж]", "облигац", "инвест", "брокер", "доходн",
        r"\bкопи",
    )),
    Term("music", frozenset({15}), MEDIA, _words(
        "музык", r"\bпес[ен]", "концерт", "билет", r"\bтур\b", "артист", "оркестр", r"\bрадио",
        r"\bfm\b", "плейлист", r"\bхит(?:ы|ов)?\b", "фестивал", "альбом", "певиц", "певец",
    )),
    Term("speaker", frozenset({16}), MEDIA, _words(
        "колонк", r"умн\w+ дом", r"голосов\w+ помощник", r"\bалис[аыуе]\b", r"\bмарус", "ассистент",
    )),
    Term("films and clips", frozenset({17}), MEDIA, _words(
        "сериал", "фильм", r"\bкино\b", "премьера", "сезон", r"\bшоу\b", "смотри", "мульт",
        "выпуск", r"\bсерии\b", "трансляц", r"\bвидео\b", "ролик",
    )),
    Term("social network", frozenset({18}), MEDIA, _words(
        "мессенджер", "соцсет", "общайт", r"\bчат", r"\bдруз", "сообщен", "звон[ки]", "сообществ",
        "подписчик", "голосовые",
    )),
    Term("services", frozenset({14}), MEDIA, _words(
        "поиск", "маршрут", "навигат", "такси", "поездк", "браузер", "переводчик", "облак",
        r"карт[аыу] города", "подписк", "сервис",
    )),
)  # fmt: skip
# Three of these on one screen are a range, too.
_SOLD = ("lending", "debit", "credit card", "savings")
# The name of the advertiser in the line that the law asks for is no word of the offer.
_LEGAL = re.compile(r"\bреклама\..*", re.IGNORECASE)


def find(text: str) -> dict[str, tuple[re.Match[str], ...]]:
    """The terms that a screen names, each with the places where it does."""
    offer = _LEGAL.sub(lambda line: "\n" * len(line[0]), text)
    found = {term.name: tuple(term.words.finditer(offer)) for term in TERMS}
    sold = [found[name][0] for name in _SOLD if found[name]]
    if not found["range"] and len(sold) >= SEVERAL:
        found["range"] = tuple(sold)
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


def likelihood(texts: Sequence[str]) -> NDArray[np.float64]:
    """How likely each segment's screens name just the terms that a text names, (texts, 18).

    Only ratios within a family mean something; of a text without words all are 1.
    """
    result = np.ones((len(texts), len(NUMBERS)))
    for row, text in enumerate(texts):
        named = find(text) if text else {}
        for term in TERMS if text else ():
            likely = np.where(_IN[term.segments], NAMED, NAMED_ELSEWHERE)
            if term.name not in named:
                likely = 1 - likely
            result[row] *= np.where(_IN[term.family], likely, 1.0)
    return result


def weigh(probabilities: NDArray[np.float64], likely: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities (texts, 18), weighed by ``likelihood``; each family keeps its mass."""
    result = probabilities * likely
    for family in (SHOPS, BANKS, MEDIA):
        inside = _IN[family]
        before = probabilities[:, inside].sum(axis=1, keepdims=True)
        now = result[:, inside].sum(axis=1, keepdims=True)
        result[:, inside] *= before / np.maximum(now, np.finfo(np.float64).tiny)
    return result


_IN = {
    group: np.isin(NUMBERS, list(group))
    for group in {SHOPS, BANKS, MEDIA}
    | {term.segments for term in TERMS}
    | {term.family for term in TERMS}
}

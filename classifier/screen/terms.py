"""Words on screen that are terms of the analysts' dictionary: a price, a delivery, a card.

The dictionary distinguishes related segments by what an offer names: a shop's spot that names a
price is promo, one that names a card is loyalty. Such terms are printed on screen, while in speech,
from which the text model has learned, they may be missing. So within a family of segments the
model's probabilities are multiplied by the likelihood of the terms that were found. A "family" in
this module is a group of related segments (shops, banks, media), not one of near duplicates.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.text.evidence import Evidence
from classifier.types import Numbers

# Estimated, because there are no labelled screens: 70 % of the screens of a segment name a term of
# it, 5 % name a term of another segment.
TERM_PROBABILITY, OTHER_TERM_PROBABILITY = 0.7, 0.05
RANGE_PRODUCTS = 3

SHOPS = frozenset({0, 1, 2, 3, 4, 5})
BANKS = frozenset({7, 8, 9, 10, 11, 12, 13})
MEDIA = frozenset({14, 15, 16, 17, 18})
# Segments of banks except the range of products (9) and services for businesses (11).
_SINGLE_PRODUCTS = BANKS - {9, 11}


@dataclass(frozen=True, slots=True)
class Term:
    """Words that are evidence for some segments of a family and against the others."""

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
    Term("lending", frozenset({8}), _SINGLE_PRODUCTS, _words(
        r"кредит(?:а|ом|у|ы|ов)?\b", "ипотек", "рефинанс", r"за[её]м", r"займ", "новостро",
    )),
    Term("debit", frozenset({10}), _SINGLE_PRODUCTS, _words(
        "дебетов", "зарплатн", "пенсионн", r"карт\w+ мир\b", "к[еэ]шб[еэ]к", "молод[её]жн",
    )),
    Term("credit card", frozenset({12}), _SINGLE_PRODUCTS, _words(
        r"кредитк", r"кредитн\w+ карт", "рассрочк", "льготн", "без процентов", "беспроцентн",
    )),
    Term("savings", frozenset({13}), _SINGLE_PRODUCTS, _words(
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
_LOWER_CASE = tuple(re.compile(term.words.pattern).search for term in TERMS)
# Three of these on one screen count as a range, too.
_PRODUCT_TERMS = ("lending", "debit", "credit card", "savings")
# The advertiser's name in the legal line is no word of the offer.
_LEGAL = re.compile(r"\bреклама\..*", re.IGNORECASE)


def find(text: str) -> dict[str, tuple[re.Match[str], ...]]:
    """Return the terms that a screen names, each with its matches."""
    offer = _without_legal_line(text)
    found = {term.name: tuple(term.words.finditer(offer)) for term in TERMS}
    products = [found[name][0] for name in _PRODUCT_TERMS if found[name]]
    if not found["range"] and len(products) >= RANGE_PRODUCTS:
        found["range"] = tuple(products)
    return {name: places for name, places in found.items() if places}


def named(text: str) -> frozenset[str]:
    """Return the names of the terms that ``find`` finds, which takes a quarter of the time."""
    # Patterns are searched several times as fast without regard to letter case.
    offer = _without_legal_line(text).lower()
    found = {term.name for term, words in zip(TERMS, _LOWER_CASE, strict=True) if words(offer)}
    if len(found.intersection(_PRODUCT_TERMS)) >= RANGE_PRODUCTS:
        found.add("range")
    return frozenset(found)


def _without_legal_line(text: str) -> str:
    return _LEGAL.sub(lambda line: "\n" * len(line[0]), text)


def evidence(text: str, segment: int) -> tuple[Evidence, ...]:
    """Return the matches of the terms of ``segment``, each word once, in the order of the text.

    ``weight`` is the log likelihood ratio of a term: the logarithm of how many times more often it
    is on screens of its own segments than on screens of the others.
    """
    found = find(text)
    places = [
        place for term in TERMS if segment in term.segments for place in found.get(term.name, ())
    ]
    unique = {place[0].casefold(): place for place in reversed(places)}
    weight = math.log(TERM_PROBABILITY / OTHER_TERM_PROBABILITY)
    return tuple(
        Evidence(place[0], place.start(), place.end(), weight)
        for place in sorted(unique.values(), key=lambda place: place.start())
    )


def likelihood(texts: Sequence[str], numbers: Numbers) -> NDArray[np.float64]:
    """Return the likelihood of each segment given the terms of each text, (texts, segments).

    ``numbers`` are the segments, in the order of the columns. Only ratios within a family are
    meaningful. All are 1 for an empty text, and for segments of no family.
    """
    here = np.array([[term.name in names for term in TERMS] for names in map(named, texts)])
    groups = {group for term in TERMS for group in (term.segments, term.family)}
    members = {group: np.isin(numbers, list(group)) for group in groups}
    result = np.ones((len(texts), len(numbers)))
    rows = np.flatnonzero(np.array([bool(text) for text in texts], np.bool_))
    for place, term in enumerate(TERMS):
        probability = np.where(members[term.segments], TERM_PROBABILITY, OTHER_TERM_PROBABILITY)
        has = here[rows, place, None] if len(rows) else np.zeros((0, 1), np.bool_)
        likely = np.where(has, probability, 1 - probability)
        result[rows] *= np.where(members[term.family], likely, 1.0)
    return result


def weigh(
    probabilities: NDArray[np.float64], likelihoods: NDArray[np.float64], numbers: Numbers
) -> NDArray[np.float64]:
    """Multiply probabilities by likelihoods; the sum of each family of segments is preserved.

    Args:
        probabilities: (texts, segments).
        likelihoods: The result of ``likelihood`` for the same texts, (texts, segments).
        numbers: The segments, in the order of the columns.

    Returns:
        New probabilities, (texts, segments).
    """
    result = probabilities * likelihoods
    for family in (SHOPS, BANKS, MEDIA):
        members = np.isin(numbers, list(family))
        before = probabilities[:, members].sum(axis=1, keepdims=True)
        after = result[:, members].sum(axis=1, keepdims=True)
        result[:, members] *= before / np.maximum(after, np.finfo(np.float64).tiny)
    return result

"""The segments of the market, as the analysts' dictionary numbers them, and columns of arrays.

``SEGMENTS`` is the dictionary of a new installation, whose segments the starter predicts. The
segments that an installation uses are rows of its database, and each model has its own ``numbers``:
the segments that it predicts, in the order of its columns.

Number 6 of the dictionary repeats number 0 in another letter case. It is read as 0 and never
returned. Numbers and Russian names come from the dictionary that analysts receive with the data.
Markets group the segments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.types import Numbers


@dataclass(frozen=True, slots=True)
class Group:
    """A market whose segments are shown together."""

    key: str
    name: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment: its number, the key of its group, its name, and when to choose it."""

    number: int
    group: str
    name: str
    name_en: str
    criteria: str
    criteria_en: str


RETAIL, BANKS, ECOSYSTEMS = "retail", "banks", "ecosystems"
GROUPS: tuple[Group, ...] = (
    Group(RETAIL, "Розничная торговля", "Retail"),
    Group(BANKS, "Банки", "Banks"),
    Group(ECOSYSTEMS, "Экосистемы и медиа", "Ecosystems and media"),
)

SEGMENTS: tuple[Segment, ...] = (
    Segment(
        0,
        RETAIL,
        "Промо/Нет/Нет",
        "Promo / no delivery / no loyalty",
        "Магазин или сеть: скидка, цена или акция на товар; ни доставки, ни программы лояльности.",
        "A shop or chain: a discount, price or offer on goods; neither delivery nor loyalty.",
    ),
    Segment(
        1,
        RETAIL,
        "Имидж/Нет/Нет",
        "Image / no delivery / no loyalty",
        "Магазин или сеть как марка: образ, ассортимент, розыгрыш, праздник; без цены товара, "
        "доставки и программы лояльности.",
        "A shop or chain as a brand: mood, range, a draw, a holiday; no price of goods, "
        "no delivery, no loyalty programme.",
    ),
    Segment(
        2,
        RETAIL,
        "Имидж/Нет/Да",
        "Image / no delivery / loyalty",
        "Магазин или сеть: главное — карта, баллы, приложение или подписка для постоянных "
        "покупателей; без цены товара.",
        "A shop or chain: the loyalty card, points, app or subscription is the message; "
        "no price of goods.",
    ),
    Segment(
        3,
        RETAIL,
        "Промо/Доставка/Нет",
        "Promo / delivery / no loyalty",
        "Доставка продуктов, еды или товаров вместе со скидкой, ценой или промокодом.",
        "Delivery of groceries, meals or goods together with a discount, price or promo code.",
    ),
    Segment(
        4,
        RETAIL,
        "Промо/Нет/Да",
        "Promo / no delivery / loyalty",
        "Скидка или цена в магазине, которую даёт карта, приложение или баллы.",
        "A discount or price in a shop that comes with a card, an app or points.",
    ),
    Segment(
        5,
        RETAIL,
        "Имидж/Доставка/Нет",
        "Image / delivery / no loyalty",
        "Служба доставки как марка: удобство, скорость, ассортимент; без скидки и цены.",
        "A delivery service as a brand: convenience, speed, range; no discount and no price.",
    ),
    Segment(
        7,
        BANKS,
        "Имидж",
        "Bank image",
        "Банк как марка: надёжность, спонсорство, приложение; без отдельного продукта.",
        "A bank as a brand: trust, sponsorship, its app; no single product.",
    ),
    Segment(
        8,
        BANKS,
        "Кредитование",
        "Lending",
        "Кредит наличными, ипотека, автокредит, рефинансирование.",
        "Cash loans, mortgages, car loans, refinancing.",
    ),
    Segment(
        9,
        BANKS,
        "Range",
        "Bank product range",
        "Несколько продуктов банка сразу, пакет услуг, подписка, премиальное обслуживание.",
        "Several products of a bank at once, a service package, a subscription, premium banking.",
    ),
    Segment(
        10,
        BANKS,
        "Дебетовые карты",
        "Debit cards",
        "Дебетовая, зарплатная или пенсионная карта, кешбэк по ней.",
        "A debit, salary or pension card and its cashback.",
    ),
    Segment(
        11,
        BANKS,
        "Услуги бизнесу",
        "Business services",
        "Банк для предпринимателей и компаний: счёт, эквайринг, регистрация, кредит бизнесу.",
        "Banking for entrepreneurs and companies: accounts, acquiring, registration, loans.",
    ),
    Segment(
        12,
        BANKS,
        "Кредитные карты",
        "Credit cards",
        "Кредитная карта или карта рассрочки, льготный период.",
        "A credit or instalment card, its interest-free period.",
    ),
    Segment(
        13,
        BANKS,
        "Инвестиционные продукты",
        "Investment products",
        "Вклады, накопительные счета, инвестиции, брокер, облигации.",
        "Deposits, savings accounts, investments, brokerage, bonds.",
    ),
    Segment(
        14,
        ECOSYSTEMS,
        "Экосистемные сервисы",
        "Ecosystem services",
        "Сервисы экосистем: подписка, поиск, карты, такси, почта, приложения.",
        "Services of an ecosystem: subscription, search, maps, taxi, mail, apps.",
    ),
    Segment(
        15,
        ECOSYSTEMS,
        "Музыка",
        "Music",
        "Музыкальные сервисы, радио и концерты.",
        "Music services, radio and concerts.",
    ),
    Segment(
        16,
        ECOSYSTEMS,
        "Колонки+Голосовой помощник",
        "Speakers + voice assistant",
        "Умные колонки и голосовые помощники.",
        "Smart speakers and voice assistants.",
    ),
    Segment(
        17,
        ECOSYSTEMS,
        "Клипы",
        "Clips",
        "Видео: короткие ролики, шоу, сериалы и видеосервисы.",
        "Video: short clips, shows, series and video services.",
    ),
    Segment(
        18,
        ECOSYSTEMS,
        "Соц сети",
        "Social networks",
        "Социальные сети и мессенджеры, их события и реклама в них.",
        "Social networks and messengers, their events and advertising in them.",
    ),
)

NUMBERS: tuple[int, ...] = tuple(segment.number for segment in SEGMENTS)
# Numbers of the dictionary that repeat another segment, and the number of that segment.
MERGED: Mapping[int, int] = {6: 0}


def canonical(number: int) -> int:
    """Return the number of the segment of a new installation: 0 for 6, other numbers unchanged.

    For programs without a database; the application reads its own segments.

    Raises:
        ValueError: No segment has this number.
    """
    number = MERGED.get(number, number)
    if number not in NUMBERS:
        raise ValueError(f"no segment has the number {number}")
    return number


def columns_of(numbers: Numbers, segments: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the column of each segment in arrays with the columns ``numbers``, (segments,).

    Raises:
        ValueError: A segment is not among ``numbers``.
    """
    wanted = np.asarray(segments, np.int64)
    if unknown := sorted(set(wanted.tolist()) - set(numbers)):
        raise ValueError(f"no column for segment {', '.join(map(str, unknown))}")
    return np.searchsorted(np.array(numbers, np.int64), wanted)


def union(*parts: Iterable[int]) -> Numbers:
    """Return the segment numbers of all parts, ascending."""
    return tuple(sorted({int(number) for part in parts for number in part}))


def move_columns(values: NDArray[Any], numbers: Numbers, wanted: Numbers) -> NDArray[Any]:
    """Return ``values``, (rows, segments), with the columns ``wanted`` instead of ``numbers``.

    Columns that only ``numbers`` has are dropped; those that only ``wanted`` has are 0.
    """
    result = np.zeros((len(values), len(wanted)), values.dtype)
    shared = [number for number in numbers if number in wanted]
    result[:, columns_of(wanted, shared)] = values[:, columns_of(numbers, shared)]
    return result

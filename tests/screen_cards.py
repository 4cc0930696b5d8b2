"""Title cards of invented Russian spots, drawn with DejaVu and compressed as video."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]
FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
FPS = 25
INKS = ((255, 255, 255), (255, 230, 40), (250, 250, 250), (225, 225, 225))
# (text, font, height in pixels in a picture 1280 wide), from top to bottom. Offers are invented.
Line = tuple[str, str, int]
CARDS: tuple[tuple[Line, ...], ...] = (
    (
        ("Свежие продукты", "DejaVuSans-Bold", 64),
        ("всего 89,90 ₽", "DejaVuSans-Bold", 96),
        ("бесплатная доставка", "DejaVuSans", 52),
        ("Подробности на сайте magnit.ru. Количество товара ограничено.", "DejaVuSans", 26),
    ),
    (
        ("Кредитная карта", "DejaVuSerif-Bold", 80),
        ("120 дней без процентов", "DejaVuSerif", 60),
        ("alfabank.ru", "DejaVuSans-Bold", 48),
        ("АО «Альфа-Банк». Оцените свои финансовые возможности и риски.", "DejaVuSans", 26),
    ),
    (
        ("Яндекс Лавка", "DejaVuSans-Bold", 88),
        ("доставка от 15 минут", "DejaVuSans", 60),
        ("Промокод ЛАВКА500", "DejaVuSansMono-Bold", 56),
        ("lavka.yandex.ru", "DejaVuSans", 44),
    ),
    (
        ("Дебетовая карта", "DejaVuSans", 70),
        ("Кэшбэк до 30%", "DejaVuSans-Bold", 92),
        ("обслуживание 0 ₽", "DejaVuSans", 60),
        ("Тинькофф Блэк", "DejaVuSerif-Bold", 64),
    ),
    (
        ("Скидки до 50%", "DejaVuSans-Bold", 92),
        ("Молоко 79 ₽ вместо 119 ₽", "DejaVuSans", 60),
        ("только в Пятёрочке", "DejaVuSerif", 56),
        ("Цены действительны с 1 по 15 марта 2026 года. Реклама.", "DejaVuSans", 26),
    ),
    (
        ("Wildberries", "DejaVuSans-Bold", 80),
        ("Закажите на ozon.ru", "DejaVuSans", 56),
        ("iPhone 15 Pro за 79 990 ₽", "DejaVuSans-Bold", 60),
        ("Смотрите на сайте или в магазинах М.Видео", "DejaVuSans", 28),
    ),
    (
        ("Семейная ипотека", "DejaVuSerif-Bold", 76),
        ("ставка от 5,9% годовых", "DejaVuSans", 60),
        ("одобрение за 3 минуты", "DejaVuSans", 52),
        ("ПАО Сбербанк. Условия на sberbank.com", "DejaVuSans", 28),
    ),
    (
        ("Большой концерт", "DejaVuSans-Bold", 84),
        ("12 мая, Ледовый дворец", "DejaVuSerif", 60),
        ("билеты от 1 499 ₽", "DejaVuSans-Bold", 64),
        ("6+ Организатор: ООО «Весенние концерты»", "DejaVuSans", 28),
    ),
)


def ground(seed: int, size: tuple[int, int], brightest: int = 150) -> Picture:
    """Return blurred colours with grain, uint8, (height, width, 3) RGB; ``size``: width, height."""
    width, height = size
    rng = np.random.default_rng(seed)
    blots = Image.fromarray(rng.integers(20, brightest, (6, 9, 3)).astype(np.uint8))
    smooth = np.asarray(blots.resize(size, Image.Resampling.BICUBIC), np.float32)
    return np.clip(smooth + rng.normal(0, 6, (height, width, 3)), 0, 255).astype(np.uint8)


def paint(card: Sequence[Line], seed: int, size: tuple[int, int] = (640, 360)) -> Picture:
    """Return a card, at most four lines, uint8, (height, width, 3) RGB; ``size``: width, height."""
    width, height = size
    image = Image.fromarray(ground(seed, size))
    draw = ImageDraw.Draw(image)
    for (text, name, tall), ink, place in zip(card, INKS, (0.17, 0.40, 0.62, 0.90), strict=False):
        write(draw, (width / 2, height * place), text, name, round(tall * width / 1280), ink)
    return np.asarray(image)


def write(
    draw: ImageDraw.ImageDraw,
    middle: tuple[float, float],
    text: str,
    name: str,
    tall: int,
    ink: tuple[int, int, int],
) -> None:
    font = ImageFont.truetype(str(FONTS / f"{name}.ttf"), tall)
    draw.text(middle, text, font=font, fill=ink, anchor="mm")


def wording(card: Sequence[Line]) -> str:
    return " ".join(text for text, _name, _tall in card)


def words(text: str) -> Counter[str]:
    """Count the words, numbers, domains and rouble signs of a text."""
    return Counter(re.findall(r"[\w]+(?:[.,-][\w]+)*%?|₽", text.lower().replace("ё", "е")))


def recall(wanted: str, read: str) -> float:
    """Return the share of the wanted words that were read."""
    expected = words(wanted)
    return (expected & words(read)).total() / expected.total()


def make_video(
    path: Path, pictures: Sequence[Picture], seconds: float = 1.0, bit_rate: int = 120_000
) -> Path:
    """Write an H.264 file that shows every picture, (height, width, 3), for ``seconds``.

    ``bit_rate``: bits per second; the default is low.
    """
    height, width = pictures[0].shape[:2]
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=FPS, options={"preset": "veryfast"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.bit_rate = bit_rate
        stream.codec_context.thread_count = 1
        for number in range(round(len(pictures) * seconds * FPS)):
            picture = pictures[int(number / FPS / seconds)]
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path

"""Text on compressed pictures is read; no text is invented on pictures without any."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from classifier.errors import ScreenUnavailable
from classifier.media import Frame, decode
from classifier.screen import ScreenReader, load_screen_reader
from tests import screen_cards as cards

DEMO = Path(__file__).resolve().parents[2] / "demo"


@pytest.fixture(scope="module")
def reader() -> ScreenReader:
    try:
        return load_screen_reader()
    except ScreenUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def read_cards(reader: ScreenReader, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The text that was read from each card after 120 kbit/s of H.264 at 640 x 360."""
    folder = tmp_path_factory.mktemp("cards")
    found = []
    for number, card in enumerate(cards.CARDS):
        video = cards.make_video(folder / f"{number}.mp4", [cards.paint(card, number)] * 3)
        found.append(reader.read(decode(video).frames).text)
    return found


def test_nearly_every_word_of_a_compressed_card_is_read(read_cards: list[str]) -> None:
    shares = [
        cards.recall(cards.wording(card), text)
        for card, text in zip(cards.CARDS, read_cards, strict=True)
    ]
    assert min(shares) >= 0.7
    assert sum(shares) / len(shares) >= 0.85


@pytest.mark.parametrize(
    ("card", "words"),
    [
        (0, "всего 89,90 ₽"),
        (0, "бесплатная доставка"),
        (0, "Количество товара ограничено"),
        (1, "Кредитная карта"),
        (1, "alfabank.ru"),
        (1, "Оцените свои финансовые"),
        (2, "lavka.yandex.ru"),
        (3, "обслуживание 0 ₽"),
        (4, "Молоко 79 ₽ вместо 119 ₽"),
        (5, "Wildberries"),
        (5, "ozon.ru"),
        (5, "79 990 ₽"),
        (6, "5,9% годовых"),
        (7, "от 1 499 ₽"),
    ],
)
def test_prices_offers_names_domains_and_small_print(
    read_cards: list[str], card: int, words: str
) -> None:
    assert words.lower() in read_cards[card].lower()


def test_lines_are_ordered_from_top_to_bottom(read_cards: list[str]) -> None:
    text = read_cards[3]
    places = [text.index(word) for word in ("Дебетовая", "Кэшбэк", "обслуживание", "Блэк")]
    assert places == sorted(places)


def test_line_on_several_frames_is_returned_once(reader: ScreenReader) -> None:
    """The background differs on every frame, so every frame is searched again."""
    card = cards.CARDS[4]
    frames = [Frame(second / 2, cards.paint(card, 50 + second)) for second in range(5)]
    lines = reader.read(frames).lines
    assert len(lines) == len(card)
    assert {(line.seconds, line.last_seen) for line in lines} == {(0.0, 2.0)}


def test_still_picture_keeps_its_lines(reader: ScreenReader, tmp_path: Path) -> None:
    first, second = (cards.paint(cards.CARDS[number], 3) for number in (3, 6))
    video = cards.make_video(tmp_path / "two.mp4", [first, second], seconds=3.0)
    lines = {line.text: line for line in reader.read(decode(video).frames).lines}
    assert lines["Кэшбэк до 30%"].seconds == 0.0
    assert 2.0 <= lines["Кэшбэк до 30%"].last_seen < 3.0
    assert 3.0 <= lines["Семейная ипотека"].seconds < 4.0
    assert lines["Семейная ипотека"].last_seen > 5.0


def test_a_price_that_changes_on_a_still_card_is_another_line(reader: ScreenReader) -> None:
    prices = ("всего 89,90 ₽", "всего 59,90 ₽")
    shown = [
        cards.paint((cards.CARDS[0][0], (price, "DejaVuSans-Bold", 96), cards.CARDS[0][2]), 5)
        for price in prices
    ]
    lines = {
        line.text: line
        for line in reader.read([Frame(float(n), image) for n, image in enumerate(shown)]).lines
    }
    assert set(lines) == {"Свежие продукты", "бесплатная доставка", *prices}
    assert lines["Свежие продукты"].last_seen == 1.0
    assert lines["всего 89,90 ₽"].last_seen == 0.0
    assert lines["всего 59,90 ₽"].seconds == 1.0


@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        ((0, 0, 0), (255, 255, 255)),
        ((255, 255, 255), (0, 0, 0)),
        ((20, 40, 120), (250, 220, 30)),
        # The same grey: only the colours differ.
        ((200, 30, 40), (30, 120, 60)),
    ],
)
def test_letters_of_any_colour_are_read(
    reader: ScreenReader, ink: tuple[int, int, int], ground: tuple[int, int, int]
) -> None:
    image = Image.new("RGB", (640, 360), ground)
    cards.write(ImageDraw.Draw(image), (320, 180), "Быстрая доставка", "DejaVuSans-Bold", 44, ink)
    assert reader.read([Frame(0.0, np.asarray(image))]).text == "Быстрая доставка"


def test_vertical_and_large_pictures_are_read(reader: ScreenReader) -> None:
    for size in ((360, 640), (1920, 1080)):
        image = Image.new("RGB", size, (30, 60, 90))
        middle = (size[0] / 2, size[1] / 2)
        letter_height = size[0] // 14
        cards.write(
            ImageDraw.Draw(image),
            middle,
            "Скидка 30%",
            "DejaVuSans",
            letter_height,
            (255, 255, 255),
        )
        assert reader.read([Frame(0.0, np.asarray(image))]).text == "Скидка 30%"


def _photographs() -> list[np.ndarray]:
    from sklearn.datasets import load_sample_images

    return [photograph[20:380] for photograph in load_sample_images().images]


def test_pictures_without_text_give_no_lines(reader: ScreenReader) -> None:
    rng = np.random.default_rng(7)
    rows, columns = np.mgrid[:360, :640]
    checks = ((rows // 12 + columns // 12) % 2 * 255).astype(np.uint8)
    pictures = [
        np.zeros((360, 640, 3), np.uint8),
        np.full((360, 640, 3), 255, np.uint8),
        rng.integers(0, 256, (360, 640, 3)).astype(np.uint8),
        np.repeat(checks[:, :, None], 3, axis=2),
        cards.ground(1, (640, 360)),
        *_photographs(),
    ]
    for number, picture in enumerate(pictures):
        assert reader.read([Frame(0.0, picture)]).lines == (), number


def test_odd_sizes_and_missing_frames(reader: ScreenReader) -> None:
    assert reader.read([]).text == ""
    for shape in ((1, 1, 3), (1, 640, 3), (1280, 3, 3)):
        assert reader.read([Frame(0.0, np.zeros(shape, np.uint8))]).lines == ()
    pictures = [cards.paint(cards.CARDS[3], 1, size) for size in ((640, 360), (480, 270))]
    lines = reader.read([Frame(float(n), p) for n, p in enumerate(pictures)]).lines
    assert [line.last_seen for line in lines] == [1.0] * len(cards.CARDS[3])


def test_number_of_lines_of_a_frame_is_limited(reader: ScreenReader) -> None:
    image = Image.new("RGB", (640, 720), (255, 255, 255))
    draw = ImageDraw.Draw(image)
    for row in range(40):
        cards.write(draw, (320, 10 + 18 * row), f"условие {row}", "DejaVuSans", 13, (0, 0, 0))
    lines = reader.read([Frame(0.0, np.asarray(image))]).lines
    assert 20 <= len(lines) <= 30


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".flv", ".webm", ".wbm", ".ogv"])
def test_cards_of_the_demonstration_are_read(reader: ScreenReader, suffix: str) -> None:
    with (DEMO / "cards.csv").open(encoding="utf-8", newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["file"].endswith(suffix))
    read = reader.read(decode(DEMO / "creatives" / row["file"]).frames).text
    assert cards.recall(f"{row['first']} {row['second']} {row['last']}", read) >= 0.8


def test_engine_states_its_name_and_version(reader: ScreenReader) -> None:
    assert reader.engine.startswith("rapidocr==3.10.0, tesseract ")

"""Generated spots on which fusion is measured, and the drawing of their screens.

All texts were invented for this project. They are not real advertising: the offers, prices and
conditions do not exist. The brand names are real and belong to their owners. No five consecutive
words occur in the reference data.

``spots.csv`` was committed before any fusion was tuned, and no spot was replaced because of its
result. Its kinds are 72 ``screen_only`` (four for each segment), 36 ``speech_only``, 36
``agreeing`` and 36 ``contradicting`` (two for each segment). ``speech`` is written as a recogniser
writes clean speech. ``screen`` has cards separated by " | " and their lines separated by " / ". In
contradicting spots ``segment`` is that of the speech and ``other_segment`` that of the screen.
"""

from __future__ import annotations

import csv
import random
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, cast

import numpy as np
from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont

from classifier.media import Frame

Kind = Literal["speech_only", "screen_only", "agreeing", "contradicting"]
Card = tuple[str, ...]
Colour = tuple[int, int, int]

TABLE = Path(__file__).resolve().with_name("spots.csv")
# Spots with screens only, four for each segment. Each table was written by a person who did not
# know how screens are classified. LATER showed that the first version of
# ``classifier.screen.terms`` was overfitted to TABLE, and was inspected afterwards; nothing was
# tuned on UNSEEN.
LATER = TABLE.with_name("spots_later.csv")
UNSEEN = TABLE.with_name("spots_unseen.csv")
FONTS = Path(get_data_path()) / "fonts" / "ttf"
WIDTH, HEIGHT, MARGIN = 640, 360, 28
FRAMES_A_CARD, SECONDS_A_FRAME = 3, 1.0
DRIFT, GRAIN = 2, 2.0  # px that text moves between frames; standard deviation of noise (0-255)
TITLE, PRICE, PLAIN, SMALLEST = 44, 54, 28, 18  # px
BETWEEN_LINES = 1.25
# Colours: top and bottom of the background, letters, accent (title and price).
PALETTES: tuple[tuple[Colour, Colour, Colour, Colour], ...] = (
    ((186, 20, 36), (140, 8, 24), (255, 255, 255), (255, 232, 96)),
    ((14, 92, 52), (6, 62, 36), (255, 255, 255), (214, 255, 150)),
    ((18, 44, 112), (8, 22, 70), (255, 255, 255), (140, 214, 255)),
    ((255, 220, 60), (248, 196, 28), (28, 24, 20), (150, 10, 30)),
    ((244, 246, 250), (220, 226, 236), (30, 36, 48), (190, 20, 40)),
    ((70, 28, 120), (40, 12, 84), (255, 255, 255), (255, 196, 240)),
    ((24, 24, 28), (48, 48, 56), (255, 255, 255), (255, 170, 60)),
    ((0, 128, 140), (0, 92, 108), (255, 255, 255), (255, 244, 170)),
)


@dataclass(frozen=True, slots=True)
class Spot:
    """A spot; ``speech`` or ``cards`` are empty if its kind has none."""

    id: str
    kind: Kind
    segment: int
    speech: str
    cards: tuple[Card, ...]
    other_segment: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of text that fits the width of the picture."""

    text: str
    font: ImageFont.FreeTypeFont
    accent: bool


def load(table: Path = TABLE) -> list[Spot]:
    """Return all spots of a table, in its order."""
    with table.open(encoding="utf-8", newline="") as file:
        return [
            Spot(
                id=row["id"],
                kind=cast(Kind, row["kind"]),
                segment=int(row["segment"]),
                speech=row["speech"],
                cards=tuple(tuple(c.split(" / ")) for c in row["screen"].split(" | ") if c),
                other_segment=int(row["other_segment"]) if row["other_segment"] else None,
            )
            for row in csv.DictReader(file)
        ]


def render(spot: Spot, seed: int) -> list[Frame]:
    """Draw the pictures of a spot: three for each card, one a second; [] without a screen.

    Args:
        spot: the spot.
        seed: decides colours and positions. The same spot and seed give the same pictures.

    Returns:
        Frames with RGB images, uint8, (360, 640, 3).
    """
    random_numbers = random.Random(f"{spot.id} {seed}")
    top, bottom, letter_colour, accent = random_numbers.choice(PALETTES)
    centred = random_numbers.random() < 0.5
    noise = np.random.default_rng(random_numbers.getrandbits(64))
    share = np.linspace(0.0, 1.0, HEIGHT)[:, None, None]
    ground = np.asarray(top) * (1 - share) + np.asarray(bottom) * share
    frames: list[Frame] = []
    for card in spot.cards:
        rows, legal = lay_out(card)
        for step in range(FRAMES_A_CARD):
            grain = noise.normal(0.0, GRAIN, (HEIGHT, WIDTH, 1))
            pixels = np.clip(ground + grain, 0, 255).astype(np.uint8)
            picture = Image.fromarray(pixels)
            draw_card(picture, rows, legal, (letter_colour, accent), centred, step * DRIFT)
            frames.append(Frame(len(frames) * SECONDS_A_FRAME, np.array(picture)))
    return frames


def lay_out(card: Card) -> tuple[list[Row], list[Row]]:
    """Return the rows of a card, in the largest size that fits, and those of its legal lines."""
    legal = [row for line in card if is_legal(line) for row in wrap(line, font(15), False)]
    room = HEIGHT - 2 * MARGIN - height(legal)
    scale = 1.0
    while True:
        rows = [row for index, line in enumerate(card) for row in rows_of(line, index, scale)]
        fits = height(rows) <= room and all(width(row) <= WIDTH - 2 * MARGIN for row in rows)
        if fits or scale < 0.4:
            return rows, legal
        scale -= 0.05


def rows_of(line: str, index: int, scale: float) -> list[Row]:
    """Return the rows of a line, larger and bold for title and offers; [] for a legal line."""
    if is_legal(line):
        return []
    offer = re.search(r"\d\s?[₽%]", line) is not None and len(line) <= 24
    size = PRICE if offer else TITLE if index == 0 else PLAIN
    bold = offer or index == 0
    return wrap(line, font(max(SMALLEST, round(size * scale)), bold), bold)


def is_legal(line: str) -> bool:
    """Return whether a line is in small type: such lines begin with an asterisk."""
    return line.startswith("*")


def wrap(line: str, face: ImageFont.FreeTypeFont, accent: bool) -> list[Row]:
    """Break a line between words, but not within a number or before its unit."""
    unbreakable = re.sub(r"(?<=\d) (?=\d{3}\b|[₽%])|(?<=№) ", "\N{NO-BREAK SPACE}", line)
    rows: list[Row] = []
    text = ""
    for word in unbreakable.split(" "):
        longer = f"{text} {word}".strip(" ")
        if text and face.getlength(longer) > WIDTH - 2 * MARGIN:
            rows.append(Row(text, face, accent))
            longer = word
        text = longer
    return [*rows, Row(text, face, accent)]


def draw_card(
    picture: Image.Image,
    rows: list[Row],
    legal: list[Row],
    colours: tuple[Colour, Colour],
    centred: bool,
    shift: int,
) -> None:
    """Draw the rows in the middle, and the legal lines at the bottom, where they do not move."""
    draw = ImageDraw.Draw(picture)
    foot = HEIGHT - 12 - height(legal)
    blocks = ((rows, (foot - height(rows)) // 2, shift), (legal, foot, 0))
    for block, start, offset in blocks:
        y = float(start)
        for row in block:
            left = (WIDTH - width(row)) / 2 if centred else float(MARGIN)
            draw.text((left + offset, y), row.text, colours[row.accent], row.font)
            y += row.font.size * BETWEEN_LINES


def width(row: Row) -> float:
    return row.font.getlength(row.text)


def height(rows: list[Row]) -> int:
    return round(sum(row.font.size * BETWEEN_LINES for row in rows))


@cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONTS / f"DejaVuSans{'-Bold' if bold else ''}.ttf", size)

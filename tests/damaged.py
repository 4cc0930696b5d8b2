"""Seeded random damage to media files, as caused by broken downloads, disks and uploads."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

from samples import make_media

THEORA = Path(__file__).resolve().parent / "data" / "theora.ogv"
# File name → arguments of ``make_media`` beside the name.
WHOLE: dict[str, dict[str, object]] = {
    "spot.wav": {},
    "phone.wav": {"audio": "pcm_alaw", "rate": 8_000, "stereo": False},
    "spot.mp3": {},
    "spot.m4a": {},
    "spot.ogg": {},
    "spot.flac": {},
    "spot.mp4": {},
    "front.mp4": {"options": {"movflags": "faststart"}},
    "h265.mp4": {"video": "libx265"},
    "spot.avi": {},
    "spot.flv": {},
    "vp8.webm": {},
    "vp9.wbm": {},
    "spot.mov": {},
    "spot.mkv": {},
    "spot.mpg": {},
}


def whole_files(folder: Path, seconds: float) -> list[Path]:
    """Write the files of ``WHOLE``; return their paths and that of the stored Theora file.

    PyAV can't encode Theora. Pictures are 160 x 90 and change every second; there is a key frame
    every half second.
    """
    made = [
        make_media(folder / name, seconds, size=(160, 90), gop=12, **how)  # type: ignore[arg-type]
        for name, how in WHOLE.items()
    ]
    return [*made, THEORA]


def cut(content: bytearray, share: float) -> bytearray:
    return content[: int(len(content) * share)]


def flipped(content: bytearray, chance: random.Random) -> bytearray:
    """Flip random bits: at least one, at most one per 400 bytes."""
    count = max(1, int(len(content) / 400 * chance.random() ** 3))
    for _ in range(count):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return content


def flipped_in_header(content: bytearray, chance: random.Random) -> bytearray:
    """Flip up to 8 bits in the first or last 2,000 bytes, which hold sizes, codecs and tables."""
    for _ in range(chance.randint(1, 8)):
        place = chance.randrange(min(2000, len(content)))
        content[place if chance.random() < 0.5 else -1 - place] ^= 1 << chance.randrange(8)
    return content


def zeroed(content: bytearray, chance: random.Random) -> bytearray:
    for _ in range(chance.randint(1, 3)):
        length = int(len(content) * chance.uniform(0.005, 0.15))
        start = chance.randrange(len(content) - length)
        content[start : start + length] = bytes(length)
    return content


def headless(content: bytearray, chance: random.Random) -> bytearray:
    """Remove the first bytes, or replace them by zeros."""
    length = chance.choice((4, 16, 64, 512, 4096))
    return content[length:] if chance.random() < 0.5 else bytearray(length) + content[length:]


def swapped(content: bytearray, other: bytes, chance: random.Random) -> bytearray:
    """Join the beginning of one file with the rest of another."""
    at = chance.choice((64, 512, 4096, len(content) // 2))
    return content[:at] + other[at:]


def shuffled(content: bytearray, chance: random.Random) -> bytearray:
    """Shuffle the blocks of a file except the first."""
    size = max(256, len(content) // 12)
    blocks = [content[start : start + size] for start in range(0, len(content), size)]
    rest = blocks[1:]
    chance.shuffle(rest)
    return bytearray().join([blocks[0], *rest])


KINDS: dict[str, Callable[[bytearray, random.Random], bytearray]] = {
    "flipped": flipped,
    "header": flipped_in_header,
    "zeroed": zeroed,
    "headless": headless,
    "shuffled": shuffled,
}
CUTS = (5, 15, 25, 35, 45, 55, 65, 75, 85, 95)  # percent


def damaged(files: list[Path], each: int, seed: int) -> Iterator[tuple[str, str, bytearray]]:
    """Yield damaged files as (name, kind of damage, content).

    Args:
        files: At least two whole media files with different names.
        each: Cases per file and kind; all ``CUTS`` are made once.
        seed: Seed of the random damage.
    """
    contents = {path.name: path.read_bytes() for path in files}
    for name, whole in contents.items():
        for share in CUTS:
            yield name, "cut", cut(bytearray(whole), share / 100)
        for kind, damage in KINDS.items():
            for number in range(each):
                chance = random.Random(f"{seed} {name} {kind} {number}")
                yield name, kind, damage(bytearray(whole), chance)
        for number in range(each):
            chance = random.Random(f"{seed} {name} swapped {number}")
            other = chance.choice(sorted(contents.keys() - {name}))
            yield name, "swapped", swapped(bytearray(whole), contents[other], chance)

"""Generator of spots for ``benchmarks/duplicates.py``.

Different spots share phrases and music beds, and spots of a brand share the end card with its
jingle, as real advertising does. All have the same voice, festival's. The texts come from
``spots*.csv`` and from the demonstration. The module is not run by itself.
"""

from __future__ import annotations

import csv
import re
import tempfile
import wave
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from matplotlib import get_data_path
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from demo.make_creatives import music, speak

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "build" / "duplicates"
RATE, FPS, WIDTH, HEIGHT = 16_000, 12, 320, 180
BRANDS, BEDS, BED_SECONDS = 200, 120, 45
END_CARD, WORDS_MISHEARD = 2.5, 0.08
FONT = str(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans-Bold.ttf")
Sound = NDArray[np.float32]
Picture = NDArray[np.uint8]
Encoding = tuple[str, str, str, int]  # container, codecs of video and audio, divisor of the size


@dataclass(frozen=True)
class Shot:
    """A picture, generated from ``seed``, that pans and zooms for ``seconds``."""

    seed: int
    seconds: float
    begin: float = 0.0  # seconds cut off at the beginning


@dataclass(frozen=True)
class Spot:
    """A spot: sound (float32, 16 kHz), shots (none: a radio spot) and the recognised speech."""

    sound: Sound
    shots: tuple[Shot, ...]
    speech: str

    @property
    def seconds(self) -> float:
        return len(self.sound) / RATE


_melodies_as_voice = False


def use_melodies_as_voice() -> None:
    """Replace festival's voice by random notes, and use few sentences: for a smoke run."""
    global _melodies_as_voice
    _melodies_as_voice = True


@cache
def sentences() -> list[tuple[str, Sound]]:
    """Return sentences with their sound, 16 kHz. The sound is cached under ``build/``."""
    if _melodies_as_voice:
        from tests.near_duplicates import melody

        return [(text, melody(number, 3.0)) for number, text in enumerate(_texts()[:12])]
    folder = CACHE / "voices"
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for number, text in enumerate(_texts()):
        path = folder / f"{number:04d}.wav"
        if not path.exists():
            with tempfile.TemporaryDirectory() as scratch:
                _write_wave(path, speak(text, Path(scratch)))
        with wave.open(str(path)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        found.append((text, samples.astype(np.float32) / 32_768))
    return found


@cache
def phrases() -> list[tuple[str, Sound]]:
    """Return the sentences in pieces of about a second, cut where the voice is quietest.

    Spots that share a whole recorded sentence would be near duplicates; different spots of an
    advertiser share only a few words, such as a claim at the end.
    """
    found = []
    for text, clip in sentences():
        count = max(1, round(len(clip) / RATE / 1.1))
        loudness = np.convolve(np.abs(clip), np.ones(800) / 800, "same")
        ends = [0]
        for number in range(1, count):
            near = len(clip) * number // count
            window = slice(max(0, near - 3_200), near + 3_200)
            ends.append(window.start + int(np.argmin(loudness[window])))
        ends.append(len(clip))
        words = text.split()
        for begin, end in pairwise(ends):
            first, last = (round(place / len(clip) * len(words)) for place in (begin, end))
            found.append((" ".join(words[first:last]), clip[begin:end]))
    return found


def _texts() -> list[str]:
    texts: dict[str, None] = {}
    for table in (*sorted((ROOT / "benchmarks").glob("spots*.csv")), ROOT / "demo/scripts.csv"):
        with table.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                spoken = row.get("speech") or row.get("text") or ""
                for sentence in re.split(r"(?<=[.!?])\s+", spoken):
                    # The voice can't read digits and Latin letters.
                    if 20 <= len(sentence) <= 90 and not re.search(r"[0-9A-Za-z%]", sentence):
                        texts[sentence] = None
    return list(texts)[:300]


def _write_wave(path: Path, sound: Sound) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((sound * 32_767).astype("<i2").tobytes())


@cache
def bed(number: int) -> Sound:
    """Return a music bed with RMS 1; the ``number`` of the jingle of brand b is -1 - b."""
    if number < 0:
        return music(END_CARD, 10_000 - number)
    return music(BED_SECONDS, number)


def spot(seed: int, seconds: float, *, pictures: bool) -> Spot:
    """Generate a spot that shares only phrases, music beds and end cards with others."""
    random = np.random.default_rng([seed, 1])
    length = int(seconds * RATE)
    voice, spoken = np.zeros(length, np.float32), []
    pace = float(random.uniform(0.85, 1.2))
    place = int(random.uniform(0, 0.8) * RATE)
    while True:
        text, clip = phrases()[int(random.integers(len(phrases())))]
        clip = np.interp(np.arange(0, len(clip), pace), np.arange(len(clip)), clip)
        if place + len(clip) > length:
            break
        voice[place : place + len(clip)] += clip.astype(np.float32)
        spoken.append(text)
        place += len(clip) + int(random.choice([0, 0.1, 0.5], p=[0.6, 0.2, 0.2]) * RATE)
    shift = int(random.choice([0, random.uniform(0, BED_SECONDS - seconds)]) * RATE)
    below = 10 ** (-random.uniform(8, 22) / 20)
    sound = voice + 0.11 * below * bed(int(random.integers(BEDS)))[shift : shift + length]
    brand = int(random.integers(BRANDS))
    if random.random() < 0.5:
        card = int(END_CARD * RATE)
        sound[-card:] = 0.5 * sound[-card:] + 0.06 * bed(-1 - brand)[:card]
    shots = _shots(random, seconds, brand) if pictures else ()
    return Spot((sound / max(1.0, np.abs(sound).max())).astype(np.float32), shots, " ".join(spoken))


def _shots(random: np.random.Generator, seconds: float, brand: int) -> tuple[Shot, ...]:
    shots, left = [], seconds - END_CARD
    while left > 0.3:
        length = min(left, float(random.uniform(0.8, 4.0)))
        shots.append(Shot(int(random.integers(1 << 40)), length))
        left -= length
    return (*shots, Shot(brand, END_CARD + left))


def changed_copy(original: Spot, seed: int) -> Spot:
    """Return a near duplicate of a spot.

    The copy is trimmed by 30 %, 3 dB quieter, and has another end card; half of the copies have
    another sound under the end card. A share of the words, ``WORDS_MISHEARD``, differs.
    """
    random = np.random.default_rng([seed, 2])
    keep = 0.7 * original.seconds
    begin = float(random.choice([0.0, 0.3, random.uniform(0, 0.3)])) * original.seconds
    sound = original.sound[int(begin * RATE) : int((begin + keep) * RATE)] * 10 ** (-3 / 20)
    card = int(END_CARD * RATE)
    if random.random() < 0.5:
        sound[-card:] = 0.08 * bed(int(random.integers(BEDS)))[-card:]
    shots = ()
    if original.shots:
        kept_shots = cut(original.shots, begin, begin + keep - END_CARD)
        shots = (*kept_shots, Shot(int(random.integers(1 << 40)), END_CARD))
    words = original.speech.split()
    first, last = (round(share * len(words) / original.seconds) for share in (begin, begin + keep))
    recognised = [
        word if random.random() > WORDS_MISHEARD else f"{word}ый" for word in words[first:last]
    ]
    return Spot(sound.astype(np.float32), shots, " ".join(recognised))


def cut(shots: tuple[Shot, ...], begin: float, end: float) -> tuple[Shot, ...]:
    result, place = [], 0.0
    for shot in shots:
        first, last = max(begin - place, 0.0), min(end - place, shot.seconds)
        if last - first > 0.05:
            result.append(replace(shot, seconds=last, begin=first))
        place += shot.seconds
    return tuple(result)


def frames(shots: tuple[Shot, ...], fps: float) -> Iterator[tuple[float, Picture]]:
    """Yield seconds and pictures, RGB, uint8, (HEIGHT, WIDTH, 3)."""
    for number in range(int(_ends(shots)[-1] * fps)):
        yield number / fps, _at(shots, number / fps)


def evenly(shots: tuple[Shot, ...], count: int) -> list[Picture]:
    """Return ``count`` evenly spaced pictures, as the decoder chooses them."""
    end = float(_ends(shots)[-1])
    return [_at(shots, second) for second in np.linspace(0, end - 0.1, count)]


def _ends(shots: tuple[Shot, ...]) -> NDArray[np.float64]:
    return np.cumsum([shot.seconds - shot.begin for shot in shots])


def _at(shots: tuple[Shot, ...], second: float) -> Picture:
    ends = _ends(shots)
    index = int(np.searchsorted(ends, second, "right"))
    return _moment(shots[index], second - ends[index] + shots[index].seconds)


def _moment(shot: Shot, second: float) -> Picture:
    """Return the picture of a shot at a second: a window that pans and zooms slowly."""
    random = np.random.default_rng([shot.seed, 3])
    still = _picture(shot.seed)
    begin, speed = random.uniform(0.02, 0.12, 3), random.uniform(-0.02, 0.02, 3)
    left, top, margin = np.clip(begin + speed * second, 0, 0.14)
    box = (
        left * still.width,
        top * still.height,
        (0.84 + left - margin / 3) * still.width,
        (0.84 + top - margin / 3) * still.height,
    )
    return np.asarray(still.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR, box))


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONT, size)


_picture_cache: dict[int, Image.Image] = {}


def _picture(seed: int) -> Image.Image:
    """Generate a picture: a card of plain colour with letters, or an imitation of a photograph.

    Cards are the end cards of brands (seeds below ``BRANDS``) and three in ten of the others.
    Photographs are noise of several scales with shapes.
    """
    if seed in _picture_cache:
        return _picture_cache[seed]
    random = np.random.default_rng([seed, 4])
    size = (round(WIDTH * 1.2), round(HEIGHT * 1.2))
    is_card = seed < BRANDS or random.random() < 0.3
    image = Image.new("RGB", size, tuple(int(c) for c in random.integers(30, 225, 3)))
    if not is_card:
        image = _photograph(random, size)
    draw = ImageDraw.Draw(image)
    for _ in range(int(random.integers(1, 4))):
        x, y = random.uniform(0, 0.8, 2) * size
        w, h = random.uniform(0.1, 0.5, 2) * size
        colour = tuple(int(c) for c in random.integers(0, 256, 3))
        (draw.ellipse if random.random() < 0.5 else draw.rectangle)((x, y, x + w, y + h), colour)
    text = sentences()[int(random.integers(len(sentences())))][0]
    for line in range(int(random.integers(1, 4)) if is_card else int(random.integers(0, 2))):
        x, y = random.uniform(0.05, 0.3) * size[0], random.uniform(0.1, 0.8) * size[1]
        font = _font(int(random.integers(14, 34)))
        draw.text((x, y), text[12 * line : 12 * line + 16], (255, 255, 255), font)
    if len(_picture_cache) > 64:
        _picture_cache.clear()
    _picture_cache[seed] = image
    return image


def _photograph(random: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    sum_of_noise = np.zeros((size[1], size[0], 3))
    for cells in (3, 6, 12, 24, 48):
        noise = random.normal(0, 1, (cells, cells * 16 // 9, 3)) + random.normal(
            0, 1, (cells, cells * 16 // 9, 1)
        )
        for channel in range(3):
            plane = Image.fromarray(noise[:, :, channel].astype(np.float32))
            sum_of_noise[:, :, channel] += (
                np.asarray(plane.resize(size, Image.Resampling.BICUBIC)) / cells
            )
    spread = sum_of_noise.std() or 1.0
    grey = 60 + 130 * random.random() + sum_of_noise / spread * random.uniform(20, 60)
    return Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))


ENCODINGS: tuple[Encoding, ...] = (
    ("mp4", "libx264", "aac", 1),
    ("flv", "flv", "libmp3lame", 1),
    ("avi", "mpeg4", "libmp3lame", 2),
    ("webm", "libvpx", "libopus", 2),
)


def write(path: Path, spot_to_write: Spot, encoding: Encoding, letterbox: bool) -> None:
    """Encode a spot at low bit rates, with black bars if ``letterbox``."""
    muxer, video, audio, scale = encoding
    if not spot_to_write.shots:
        muxer, audio = {"mp4": ("mp4", "aac"), "webm": ("ogg", "libopus")}.get(
            muxer, ("mp3", "libmp3lame")
        )
    rate = 48_000 if audio == "libopus" else 44_100
    with av.open(str(path), "w", format=muxer) as container:
        pictures: Any = None
        if spot_to_write.shots:
            pictures = container.add_stream(video, FPS)
            pictures.width, pictures.height = WIDTH // scale, HEIGHT // scale // 2 * 2
            pictures.pix_fmt, pictures.bit_rate = "yuv420p", 250_000
            if video == "libx264":
                pictures.options = {"preset": "ultrafast"}
            if video == "libvpx":
                pictures.options = {"deadline": "realtime", "cpu-used": "8"}
        sounds: Any = container.add_stream(audio, rate, layout="mono")
        sounds.bit_rate = 48_000
        samples_written = 0
        for second, picture in frames(spot_to_write.shots, FPS) if spot_to_write.shots else ():
            image = Image.fromarray(picture).resize((pictures.width, pictures.height))
            image = _boxed(image) if letterbox else image
            container.mux(pictures.encode(av.VideoFrame.from_image(image)))
            samples_written = _write_sound(
                container, sounds, spot_to_write.sound, samples_written, second
            )
        _write_sound(container, sounds, spot_to_write.sound, samples_written, spot_to_write.seconds)
        container.mux(sounds.encode(None))
        if spot_to_write.shots:
            container.mux(pictures.encode(None))


def _boxed(image: Image.Image) -> Image.Image:
    black = Image.new("RGB", image.size)
    bar_height = image.height // 8
    black.paste(image.resize((image.width, image.height - 2 * bar_height)), (0, bar_height))
    return black


def _write_sound(container: Any, stream: Any, sound: Sound, begin: int, second: float) -> int:
    while begin < min(len(sound), second * RATE):
        part = np.ascontiguousarray(sound[np.newaxis, begin : begin + 1_024])
        frame = av.AudioFrame.from_ndarray(part, format="flt", layout="mono")
        frame.sample_rate, frame.pts = RATE, begin
        frame.time_base = Fraction(1, RATE)
        container.mux(stream.encode(frame))
        begin += 1_024
    return begin

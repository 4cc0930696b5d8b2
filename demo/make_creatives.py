"""Makes the demonstration creatives: voices scripts.csv, draws cards.csv, packs every container.

Needs, besides the project's packages, Debian's ``festival``, ``festvox-ru``, ``ffmpeg`` (PyAV has
no Theora encoder) and ``fonts-dejavu-core``. The same tools give the same files.

    .venv/bin/python demo/make_creatives.py [FILE ...]     # all of them, or only the named ones
"""

from __future__ import annotations

import colorsys
import contextlib
import csv
import re
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Sound = NDArray[np.float32]
Picture = NDArray[np.uint8]

HERE = Path(__file__).resolve().parent
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf"
RATE = 16_000  # sample rate of the voice, in Hz
WIDTH, HEIGHT, FPS = 640, 360, 10
TEMPO = 1.15  # the voice is slow for advertising, and festival's own stretch does not change it
INTRO, OUTRO, SILENT_SECONDS = 0.4, 0.5, 7.0
VOICE_LEVEL, BED_BELOW_VOICE, PEAK = -19.0, 25.0, 0.89  # dBFS (RMS), dB, share of full scale

# The voice's lexicon lacks these words and guesses their stress wrongly; "+" precedes the vowel.
SPOKEN = {
    "брокерский": "бр+окерский",
    "видео": "в+идео",
    "втб": "вэтэб+э",
    "заявку": "за+явку",
    "ипотеку": "ипот+еку",
    "клип": "кл+ип",
    "клипы": "кл+ипы",
    "кредитная": "кред+итная",
    "кредитную": "кред+итную",
    "кэшбэк": "кэшб+эк",
    "кэшбэка": "кэшб+эка",
    "ледовом": "лед+овом",
    "лояльности": "ло+яльности",
    "менеджер": "м+енеджер",
    "мечтаете": "мечт+аете",
    "накопительным": "накоп+ительным",
    "некогда": "н+екогда",
    "общайтесь": "общ+айтесь",
    "онлайн": "онл+айн",
    "отдыхаете": "отдых+аете",
    "оформите": "оф+ормите",
    "плейлисты": "плейл+исты",
    "подключите": "подключ+ите",
    "подпиской": "подп+иской",
    "подписку": "подп+иску",
    "промокоду": "промок+оду",
    "рассрочки": "расср+очки",
    "розыгрыше": "р+озыгрыше",
    "россельхозбанке": "россельхозб+анке",
    "рублями": "рубл+ями",
    "рутуб": "рут+уб",
    "рутубе": "рут+убе",
    "сбер": "сб+ер",
    "сбермаркет": "сберм+аркет",
    "сбермаркете": "сберм+аркете",
    "скачайте": "скач+айте",
    "скидок": "ск+идок",
    "супермаркет": "суперм+аркет",
    "сыр": "с+ыр",
    "телеграм": "телегр+ам",
    "телеграме": "телегр+аме",
    "хиты": "х+иты",
    "шоу": "ш+оу",
    "яндекса": "+яндекса",
}


@dataclass(frozen=True, slots=True)
class Packing:
    """Codecs of a container, by their names in libav, with their options; rates in Hz and bit/s."""

    audio: str
    audio_rate: int
    audio_bits: int
    video: str | None = None
    video_options: tuple[tuple[str, str], ...] = ()
    container: str | None = None  # libav's name; None if it follows from the extension


STEADY = (("qmin", "7"), ("qmax", "7"))
VP_OPTIONS = (("deadline", "good"), ("cpu-used", "3"), ("crf", "32"), ("b", "100k"))
PACKINGS = {
    ".mp4": Packing("aac", 44_100, 40_000, "libx264", (("crf", "27"), ("preset", "slow"))),
    ".avi": Packing("libmp3lame", 22_050, 40_000, "mpeg4", STEADY),
    ".flv": Packing("libmp3lame", 22_050, 40_000, "flv", STEADY),
    ".webm": Packing("libopus", 48_000, 28_000, "libvpx-vp9", VP_OPTIONS),
    ".wbm": Packing("libopus", 48_000, 28_000, "libvpx", VP_OPTIONS, "webm"),
    ".ogg": Packing("libopus", 48_000, 32_000),
}


def decibels(value: float) -> float:
    """Return the factor of amplitude for a change of level by ``value`` dB."""
    return float(10 ** (value / 20))


def rms(sound: Sound) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))


def voice_spelling(text: str) -> str:
    """Return the text as the voice needs it: lower case, with the missing stresses marked."""
    return re.sub(r"[а-яё]+", lambda word: SPOKEN.get(word[0], word[0]), text.lower())


def speak(text: str, folder: Path) -> Sound:
    """The text voiced by festival: 16 kHz mono, rumble below 80 Hz removed, levelled."""
    source, target = folder / "text", folder / "voice.wav"
    source.write_text(voice_spelling(text), encoding="utf-8")
    command = ["text2wave", "-eval", "(voice_msu_ru_nsh_clunits)", str(source), "-o", str(target)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    with wave.open(str(target)) as file:
        if file.getframerate() != RATE:
            raise ValueError(f"the voice speaks at {file.getframerate()} Hz, not at {RATE}")
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    sound = faster(high_pass(samples.astype(np.float32) / 32_768))
    loud = np.flatnonzero(np.abs(sound) > 0.02)
    sound = sound[max(loud[0] - 800, 0) : loud[-1] + 2_400]
    return (sound * (decibels(VOICE_LEVEL) / rms(sound))).astype(np.float32)


def faster(sound: Sound) -> Sound:
    """The same speech at ``TEMPO``, pitch unchanged (libavfilter's ``atempo``)."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(
        format="flt", sample_rate=RATE, layout="mono", time_base=Fraction(1, RATE)
    )
    graph.link_nodes(source, graph.add("atempo", str(TEMPO)), graph.add("abuffersink")).configure()
    frame = av.AudioFrame.from_ndarray(sound[np.newaxis], format="flt", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
    graph.push(frame)
    graph.push(None)
    parts: list[Sound] = []
    with contextlib.suppress(av.EOFError, av.BlockingIOError):
        while True:
            parts.append(graph.pull().to_ndarray()[0])
    return np.concatenate(parts)


def high_pass(sound: Sound) -> Sound:
    spectrum = np.fft.rfft(sound)
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE)
    return np.fft.irfft(spectrum * np.clip((hertz - 40) / 40, 0, 1), len(sound)).astype(np.float32)


def note(semitones: float, seconds: float) -> Sound:
    """A soft plucked tone, that many semitones above A3 (220 Hz)."""
    time = np.arange(int(seconds * RATE)) / RATE
    hertz = 220 * 2 ** (semitones / 12)
    tone = sum(np.sin(2 * np.pi * hertz * k * time) / k**2 for k in (1, 2, 3))
    fade = np.minimum(time / 0.02, 1) * np.exp(-2.2 * time / seconds)
    return (tone * fade).astype(np.float32)


def music(seconds: float, seed: int) -> Sound:
    """A broken-chord bed over four chords; key, order and pace follow from the seed. RMS is 1."""
    random = np.random.default_rng(seed)
    key, beat = int(random.integers(-4, 5)), float(random.choice([0.2, 0.25, 0.3]))
    roots = random.permutation([0, 5, 7, 9])
    bed = np.zeros(int((seconds + 2) * RATE), dtype=np.float32)
    for step in range(int(seconds / beat) + 1):
        root = roots[step // 8 % 4]
        minor = root == 9
        chord = (0, 3 if minor else 4, 7, 12)
        played = [note(key + root + chord[int(random.integers(4))], 1.2)]
        if step % 8 == 0:
            played += [note(key + root + interval - 12, 2.0) for interval in chord[:3]]
        start = int(step * beat * RATE)
        for tone in played:
            part = bed[start : start + len(tone)]
            part += tone[: len(part)]
    bed = bed[: int(seconds * RATE)]
    return bed / rms(bed)


def soundtrack(text: str, seed: int, folder: Path) -> Sound:
    """Return music, alone or under the voice and louder before and after it; peak at most 0.89."""
    if not text:
        sound = music(SILENT_SECONDS, seed) * decibels(VOICE_LEVEL)
    else:
        voice = speak(text, folder)
        sound = music(INTRO + len(voice) / RATE + OUTRO, seed)
        start, stop = int(INTRO * RATE), int(INTRO * RATE) + len(voice)
        level = np.full(len(sound), decibels(VOICE_LEVEL - 7))
        level[start - 1_600 : stop + 1_600] = decibels(VOICE_LEVEL - BED_BELOW_VOICE)
        smooth = np.convolve(np.pad(level, (800, 799), "edge"), np.ones(1_600) / 1_600, "valid")
        sound = sound * smooth
        sound[start:stop] += voice
    edge = np.minimum(np.arange(len(sound)), np.arange(len(sound))[::-1]) / (0.05 * RATE)
    sound = sound * np.minimum(edge, 1)
    return (sound * min(1, PEAK / np.max(np.abs(sound)))).astype(np.float32)


def hue(seed: int, lightness: int) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(seed * 47 % 256 / 256, 0.6, lightness / 255)
    return round(red * 255), round(green * 255), round(blue * 255)


def wrapped(text: str, font: ImageFont.FreeTypeFont, room: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= room or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def card(text: str, seed: int, position: int) -> Picture:
    """One card, (360, 640, 3): centred text on a two-coloured ground; the last card is light."""
    last = position == 2
    image = Image.new("RGB", (WIDTH, HEIGHT), (245, 245, 240) if last else hue(seed, 110))
    draw = ImageDraw.Draw(image)
    accent = hue(seed + position + 2, 200)
    draw.rectangle((0, 0, WIDTH, 26), fill=accent)
    draw.rectangle((0, HEIGHT - 26, WIDTH, HEIGHT), fill=accent)
    if not last:
        draw.ellipse((470 - 380 * position, 60, 710 - 380 * position, 300), fill=hue(seed, 140))
    font = ImageFont.truetype(FONT, 56)
    lines = wrapped(text, font, WIDTH - 60)
    for size in range(56, 30, -2):
        font = ImageFont.truetype(FONT, size)
        lines = wrapped(text, font, WIDTH - 60)
        if len(lines) <= 3 and max(font.getlength(line) for line in lines) <= WIDTH - 60:
            break
    ink = hue(seed, 100) if last else (255, 255, 255)
    for index, line in enumerate(lines):
        y = HEIGHT / 2 + (index - (len(lines) - 1) / 2) * font.size * 1.35
        draw.text((WIDTH / 2, y), line, font=font, fill=ink, anchor="mm")
    return np.asarray(image)


def pictures(cards: list[str], seed: int, seconds: float) -> Iterator[Picture]:
    """Yield frames for the whole sound, FPS per second: each card for a third of the time.

    A bar grows along the lower edge, because no two frames may be equal: libtheora stores a
    repeated frame as a packet of zero bytes, and libavcodec reports such a packet as an error.
    """
    drawn = [card(text, seed, position) for position, text in enumerate(cards)]
    total = int(np.ceil(seconds * FPS))
    for index in range(total):
        frame = drawn[index * len(drawn) // total].copy()
        frame[HEIGHT - 18 : HEIGHT - 8, : WIDTH * (index + 1) // total] = 255
        yield frame


def write_wave(path: Path, sound: Sound) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.round(sound * 32_767).astype("<i2").tobytes())


def write_theora(path: Path, sound: Sound, frames: Iterator[Picture], folder: Path) -> None:
    write_wave(folder / "sound.wav", sound)
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FPS)]
    coded = ["-c:v", "libtheora", "-q:v", "5", "-g", "60", "-c:a", "libvorbis", "-ar", "44100"]
    same = ["-b:a", "48k", "-pix_fmt", "yuv420p", "-flags", "+bitexact", "-fflags", "+bitexact"]
    command = ["ffmpeg", "-v", "error", "-y", *raw, "-i", "-", "-i", str(folder / "sound.wav")]
    data = b"".join(frame.tobytes() for frame in frames)
    subprocess.run([*command, *coded, *same, str(path)], input=data, check=True, timeout=300)


def add_video(container: Any, packing: Packing) -> Any:
    options = {"flags": "+bitexact", **dict(packing.video_options)}
    stream = container.add_stream(packing.video, rate=FPS, options=options)
    stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    stream.codec_context.gop_size = 6 * FPS
    stream.codec_context.thread_count = 1
    return stream


def sound_frames(sound: Sound) -> Iterator[av.AudioFrame]:
    """Yield frames of half a second, so that the muxer can interleave them with the pictures."""
    samples = np.round(sound * 32_767).astype(np.int16)
    for start in range(0, len(samples), RATE // 2):
        block = samples[np.newaxis, start : start + RATE // 2]
        frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        yield frame


def write_media(path: Path, sound: Sound, frames: Iterator[Picture], packing: Packing) -> None:
    with av.open(
        str(path), "w", format=packing.container, options={"fflags": "+bitexact"}
    ) as container:
        video = add_video(container, packing) if packing.video else None
        audio = container.add_stream(packing.audio, rate=packing.audio_rate, layout="mono")
        audio.bit_rate = packing.audio_bits
        for second, block in enumerate(sound_frames(sound), start=1):
            container.mux(audio.encode(block))
            for index in range((second - 1) * FPS // 2, second * FPS // 2):
                image = next(frames, None) if video else None
                if video and image is not None:
                    picture = av.VideoFrame.from_ndarray(image, format="rgb24")
                    picture.pts, picture.time_base = index, Fraction(1, FPS)
                    container.mux(video.encode(picture))
        for stream in (audio, video):
            if stream:
                container.mux(stream.encode(None))


def make(name: str, text: str, cards: list[str]) -> Path:
    path = HERE / "creatives" / name
    seed = int(path.stem)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        sound = soundtrack(text, seed, folder)
        frames = pictures(cards, seed, len(sound) / RATE)
        if path.suffix == ".wav":
            write_wave(path, sound)
        elif path.suffix == ".ogv":
            write_theora(path, sound, frames, folder)
        else:
            write_media(path, sound, frames, PACKINGS[path.suffix])
    return path


def rows(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def main(wanted: list[str]) -> None:
    cards = {row["file"]: [row["first"], row["second"], row["last"]] for row in rows("cards.csv")}
    (HERE / "creatives").mkdir(exist_ok=True)
    for row in rows("scripts.csv"):
        if not wanted or row["file"] in wanted:
            path = make(row["file"], row["text"], cards[row["file"]])
            print(f"{path.name}  {path.stat().st_size:>8,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])

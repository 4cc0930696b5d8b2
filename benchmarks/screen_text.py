"""Text on screen: CPU seconds for eight frames, word recall and character error rate.

    python benchmarks/screen_text.py

The named alternative is plain Tesseract on the whole frame (psm 11, Russian data). Spots are
invented cards in DejaVu, eight pictures with another ground behind each, so that nothing stands
still and no frame is skipped, through H.264 at 720p and 600 kbit/s. The row of 640 x 360 is what
``classifier.media.decode`` hands over of the same videos. The cards of the demonstration do stand
still, as cards do: what that saves is in the last row.
"""

from __future__ import annotations

import csv
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import av  # noqa: E402
import jiwer  # noqa: E402
from PIL import Image  # noqa: E402

from classifier.media import Frame, decode  # noqa: E402
from classifier.screen import ScreenReader, load_screen_reader  # noqa: E402
from tests import screen_cards as cards  # noqa: E402

FRAMES = 8
SPOTS = 6
SIZES = ((1280, 720), (640, 360))
BIT_RATE = 600_000


class Row(NamedTuple):
    cpu: float
    recall: float
    errors: float


def main() -> None:
    began = cpu_seconds()
    reader = load_screen_reader()
    print(f"{reader.engine}; loading: {cpu_seconds() - began:.2f} s of CPU")
    print(f"{'':38} {'CPU s / 8 frames':>17} {'word recall':>12} {'CER':>6}")
    with tempfile.TemporaryDirectory() as folder:
        spots = [make_spot(Path(folder) / f"{number}.mp4", number) for number in range(SPOTS)]
        for size in SIZES:
            where = f"{size[0]} x {size[1]}"
            ours = measure(spots, size, lambda frames: hybrid(reader, frames))
            plain = measure(spots, size, whole_frames)
            show(f"{where}, this reader", ours)
            show(f"{where}, tesseract psm 11, whole frame", plain)
            print(
                f"{'':14}ratio this / plain      {ours.cpu / plain.cpu:>17.2f} "
                f"{ours.recall / plain.recall:>12.2f} {ours.errors / plain.errors:>6.2f}"
            )
    show("demonstration cards, still", demonstration(reader))


def make_spot(path: Path, number: int) -> tuple[Path, list[str]]:
    """A video of eight seconds, and the words of each."""
    shown = [cards.CARDS[(number + second // 2) % len(cards.CARDS)] for second in range(FRAMES)]
    pictures = [
        cards.paint(card, 100 * number + second, SIZES[0]) for second, card in enumerate(shown)
    ]
    cards.make_video(path, pictures, bit_rate=BIT_RATE)
    return path, [cards.wording(card) for card in shown]


def one_a_second(path: Path, size: tuple[int, int]) -> list[Frame]:
    """The picture in the middle of every second, scaled as ``classifier.media`` scales."""
    found = []
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number % cards.FPS == cards.FPS // 2:
                scaled = frame.reformat(*size, format="rgb24", interpolation="AREA")
                found.append(Frame(number / cards.FPS, scaled.to_ndarray()))
    return found


def measure(
    spots: Sequence[tuple[Path, list[str]]],
    size: tuple[int, int],
    read: Callable[[Sequence[Frame]], tuple[float, list[str]]],
) -> Row:
    """Means over all spots; recall and errors frame by frame."""
    costs, recalls, errors = [], [], []
    for path, wanted in spots:
        frames = one_a_second(path, size)
        assert len(frames) == FRAMES
        seconds, texts = read(frames)
        costs.append(seconds)
        for expected, text in zip(wanted, texts, strict=True):
            recalls.append(cards.recall(expected, text))
            errors.append(jiwer.cer(expected.lower(), text.lower() or " "))
    return Row(mean(costs), mean(recalls), mean(errors))


def hybrid(reader: ScreenReader, frames: Sequence[Frame]) -> tuple[float, list[str]]:
    began = cpu_seconds()
    reader.read(frames)
    seconds = cpu_seconds() - began
    return seconds, [reader.read([frame]).text.replace("\n", " ") for frame in frames]


def whole_frames(frames: Sequence[Frame]) -> tuple[float, list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.ppm" for number in range(len(frames))]
        for path, frame in zip(paths, frames, strict=True):
            Image.fromarray(frame.image).save(path)
        listed = Path(folder) / "list.txt"
        listed.write_text("\n".join(map(str, paths)))
        began = cpu_seconds()
        done = subprocess.run(
            ["tesseract", str(listed), "stdout", "-l", "rus", "--psm", "11"],
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        seconds = cpu_seconds() - began
    pages = done.stdout.split("\f")[: len(frames)]
    return seconds, [" ".join(page.split()) for page in pages]


def demonstration(reader: ScreenReader) -> Row:
    """Eight of the frames of each demonstration creative; recall over the whole creative."""
    costs, recalls, errors = [], [], []
    with (ROOT / "demo" / "cards.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if not row["first"]:
                continue
            frames = decode(ROOT / "demo" / "creatives" / row["file"]).frames
            chosen = [frames[n * (len(frames) - 1) // (FRAMES - 1)] for n in range(FRAMES)]
            began = cpu_seconds()
            text = reader.read(chosen).text.replace("\n", " ")
            costs.append(cpu_seconds() - began)
            expected = f"{row['first']} {row['second']} {row['last']}"
            recalls.append(cards.recall(expected, text))
            errors.append(jiwer.cer(expected.lower(), text.lower() or " "))
    return Row(mean(costs), mean(recalls), mean(errors))


def cpu_seconds() -> float:
    """Of this process and of the engine's processes that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def show(name: str, row: Row) -> None:
    print(f"{name:38} {row.cpu:>17.2f} {row.recall:>12.3f} {row.errors:>6.3f}")


if __name__ == "__main__":
    main()

"""How well does the screen reader read text, and what does it cost?

    python benchmarks/screen_text.py [--quick]

Prints CPU seconds for eight frames, word recall and character error rate (CER). The baseline is
Tesseract on the whole frame (psm 11, Russian data). Spots are generated cards in DejaVu, encoded
with H.264 at 720p and 600 kbit/s; each of their eight pictures has another background, so no frame
is skipped as a repetition. The rows "640 x 360" have the size that ``classifier.media.decode``
returns. The last row is for the demonstration's cards, which stand still, so frames are skipped.
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

from benchmarks import common  # noqa: E402
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
    quick = common.options(__doc__).parse_args().quick
    began = cpu_seconds()
    reader = load_screen_reader()
    print(f"{reader.engine}; loading: {cpu_seconds() - began:.2f} s of CPU")
    print(f"{'':38} {'CPU s / 8 frames':>17} {'word recall':>12} {'CER':>6}")
    with tempfile.TemporaryDirectory() as folder:
        sizes, count = (SIZES[1:], 1) if quick else (SIZES, SPOTS)
        spots = [make_spot(Path(folder) / f"{n}.mp4", n, sizes[0]) for n in range(count)]
        for size in sizes:
            size_name = f"{size[0]} x {size[1]}"
            this_reader = measure(spots, size, lambda frames: read_by_this_reader(reader, frames))
            tesseract = measure(spots, size, read_by_tesseract)
            show(f"{size_name}, this reader", this_reader)
            show(f"{size_name}, tesseract psm 11, whole frame", tesseract)
            print(
                f"{'':14}ratio this / plain      {this_reader.cpu / tesseract.cpu:>17.2f} "
                f"{this_reader.recall / tesseract.recall:>12.2f} "
                f"{this_reader.errors / tesseract.errors:>6.2f}"
            )
    show("demonstration cards, still", demonstration(reader, 1 if quick else None))


def make_spot(path: Path, number: int, size: tuple[int, int]) -> tuple[Path, list[str]]:
    """Write a video of eight seconds; return its path and the words of each second."""
    cards_shown = [
        cards.CARDS[(number + second // 2) % len(cards.CARDS)] for second in range(FRAMES)
    ]
    pictures = [
        cards.paint(card, 100 * number + second, size) for second, card in enumerate(cards_shown)
    ]
    cards.make_video(path, pictures, bit_rate=BIT_RATE)
    return path, [cards.wording(card) for card in cards_shown]


def one_a_second(path: Path, size: tuple[int, int]) -> list[Frame]:
    """Return the picture in the middle of each second, scaled as ``classifier.media`` does."""
    frames = []
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number % cards.FPS == cards.FPS // 2:
                scaled = frame.reformat(*size, format="rgb24", interpolation="AREA")
                frames.append(Frame(number / cards.FPS, scaled.to_ndarray()))
    return frames


def measure(
    spots: Sequence[tuple[Path, list[str]]],
    size: tuple[int, int],
    read: Callable[[Sequence[Frame]], tuple[float, list[str]]],
) -> Row:
    """Return the means over all spots; recall and errors are computed for each frame."""
    costs, recalls, errors = [], [], []
    for path, expected_texts in spots:
        frames = one_a_second(path, size)
        assert len(frames) == FRAMES
        seconds, texts = read(frames)
        costs.append(seconds)
        for expected, text in zip(expected_texts, texts, strict=True):
            recalls.append(cards.recall(expected, text))
            errors.append(jiwer.cer(expected.lower(), text.lower() or " "))
    return Row(mean(costs), mean(recalls), mean(errors))


def read_by_this_reader(reader: ScreenReader, frames: Sequence[Frame]) -> tuple[float, list[str]]:
    began = cpu_seconds()
    reader.read(frames)
    seconds = cpu_seconds() - began
    return seconds, [reader.read([frame]).text.replace("\n", " ") for frame in frames]


def read_by_tesseract(frames: Sequence[Frame]) -> tuple[float, list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.ppm" for number in range(len(frames))]
        for path, frame in zip(paths, frames, strict=True):
            Image.fromarray(frame.image).save(path)
        list_file = Path(folder) / "list.txt"
        list_file.write_text("\n".join(map(str, paths)))
        began = cpu_seconds()
        process = subprocess.run(
            ["tesseract", str(list_file), "stdout", "-l", "rus", "--psm", "11"],
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        seconds = cpu_seconds() - began
    pages = process.stdout.split("\f")[: len(frames)]
    return seconds, [" ".join(page.split()) for page in pages]


def demonstration(reader: ScreenReader, count: int | None) -> Row:
    """Read eight frames of each of the first ``count`` demonstration creatives; all for None.

    Recall and errors are computed for a whole creative.
    """
    costs, recalls, errors = [], [], []
    with (ROOT / "demo" / "cards.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["first"]][:count]
    for row in rows:
        frames = decode(ROOT / "demo" / "creatives" / row["file"]).frames
        chosen = [frames[n * (len(frames) - 1) // (FRAMES - 1)] for n in range(FRAMES)]
        screen, seconds = common.timed(lambda chosen=chosen: reader.read(chosen), cpu_seconds)
        text = screen.text.replace("\n", " ")
        costs.append(seconds)
        expected = f"{row['first']} {row['second']} {row['last']}"
        recalls.append(cards.recall(expected, text))
        errors.append(jiwer.cer(expected.lower(), text.lower() or " "))
    return Row(mean(costs), mean(recalls), mean(errors))


def cpu_seconds() -> float:
    """Return CPU seconds of this process and of its ended child processes."""
    used = [
        resource.getrusage(target) for target in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def show(name: str, row: Row) -> None:
    print(f"{name:38} {row.cpu:>17.2f} {row.recall:>12.3f} {row.errors:>6.3f}")


if __name__ == "__main__":
    main()

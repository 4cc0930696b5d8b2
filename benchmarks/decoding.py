"""What it costs to decode in another process: none, the pool's, and a fresh interpreter's.

    python benchmarks/decoding.py [--repeats 9]

The three take turns on every file, so that a busy machine slows all of them. Prints medians of the
wall clock, and what the processes of their own cost above decoding the same file right here.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from samples import make_media  # noqa: E402

from classifier.media import Limits, decode, pool  # noqa: E402
from classifier.media.reading import read_media  # noqa: E402

LIMITS = Limits()
# name, seconds, size of the picture
SPOTS: tuple[tuple[str, float, tuple[int, int]], ...] = (
    ("spot.mp3", 5, (0, 0)),
    ("spot.mp3", 30, (0, 0)),
    ("spot.wav", 30, (0, 0)),
    ("spot.mp4", 5, (640, 360)),
    ("spot.mp4", 15, (1280, 720)),
    ("spot.mp4", 30, (1920, 1080)),
    ("spot.avi", 20, (720, 576)),
    ("spot.flv", 30, (640, 360)),
    ("spot.webm", 10, (640, 360)),
    ("spot.webm", 30, (1280, 720)),
    ("spot.mpg", 15, (720, 576)),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--repeats", type=int, default=9)
    repeats = parser.parse_args().repeats
    total = np.zeros(3)
    print(f"{'file':10} {'s':>3} {'picture':>9}  {'here':>6} {'pool':>6} {'fresh':>6} ms")
    with tempfile.TemporaryDirectory() as folder:
        for name, seconds, size in SPOTS:
            path = make_media(Path(folder) / name, seconds, size=size if any(size) else (2, 2))
            costs = np.array(medians(path, repeats))
            total += costs
            shown = f"{size[0]}x{size[1]}" if any(size) else ""
            print(f"{name:10} {seconds:3.0f} {shown:>9} {row(costs)}", flush=True)
    print(f"{'all':10} {'':3} {'':9} {row(total)}")


def row(costs: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    here, pooled, fresh = costs
    return (
        f" {here:6.0f} {pooled:6.0f} {fresh:6.0f}   "
        f"pool {pooled / here - 1:+5.0%}, fresh {fresh / here - 1:+5.0%}"
    )


def medians(path: Path, repeats: int) -> list[float]:
    ways: list[Callable[[Path], None]] = [here, pooled, fresh]
    taken: list[list[float]] = [[], [], []]
    for _ in range(repeats):
        for way, times in zip(ways, taken, strict=True):
            if way is pooled:
                decode(path)  # the child is there, as it is for every file but a worker's first
            began = time.perf_counter()
            way(path)
            times.append(1000 * (time.perf_counter() - began))
    return [statistics.median(times) for times in taken]


def here(path: Path) -> None:
    """As the child decodes, and as its parent takes the result, but in this process."""
    outputs = [os.memfd_create("output") for _ in range(2)]
    with (
        path.open("rb", buffering=0) as file,
        os.fdopen(outputs[0], "w+b") as audio,
        os.fdopen(outputs[1], "w+b") as frames,
    ):
        read_media(file, audio, frames, LIMITS)
        for output in (audio, frames):
            output.seek(0)
            np.frombuffer(output.read(), np.uint8)


def pooled(path: Path) -> None:
    decode(path)


def fresh(path: Path) -> None:
    """With a new interpreter for the file, as a process per file would be."""
    pool.close()
    decode(path)


if __name__ == "__main__":
    main()

"""What does it cost to decode in a child process instead of in the same process?

    python benchmarks/decoding.py [--repeats 9]

Compares decoding in this process ("here"), in the child process of the pool, and in a new
interpreter for each file ("fresh"). The three take turns on every file, so that a busy machine
slows down all of them. Prints the mean CPU time of all processes involved, the median wall time,
and the additional cost relative to "here".
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from samples import make_media  # noqa: E402

from classifier.media import Limits, decode, pool  # noqa: E402
from classifier.media.reading import read_media  # noqa: E402

LIMITS = Limits()
Costs: TypeAlias = NDArray[np.float64]
# File name, duration in seconds, width and height of the pictures in pixels.
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
    total = np.zeros((2, 3))
    print(f"{'':24} {'CPU ms':^48}  {'wall ms':^48}")
    print(f"{'file':10} {'s':>3} {'picture':>9} " + 2 * f"{'here':>7} {'pool':>13} {'fresh':>13}  ")
    with tempfile.TemporaryDirectory() as folder:
        for name, seconds, size in SPOTS:
            path = make_media(Path(folder) / name, seconds, size=size if any(size) else (2, 2))
            costs = measured(path, repeats)
            total += costs
            picture = f"{size[0]}x{size[1]}" if any(size) else ""
            print(
                f"{name:10} {seconds:3.0f} {picture:>9} {row(costs[0])}  {row(costs[1])}",
                flush=True,
            )
    print(f"{'all':10} {'':3} {'':9} {row(total[0])}  {row(total[1])}")


def row(costs: Costs) -> str:
    here, *other_costs = costs
    return f"{here:7.0f} " + " ".join(
        f"{cost:6.0f} {cost / here - 1:+6.0%}" for cost in other_costs
    )


def measured(path: Path, repeats: int) -> Costs:
    """Return milliseconds for each file: float64, (2, 3), CPU and wall by here, pool and fresh."""
    methods: list[Callable[[Path], None]] = [here, pooled, fresh]
    times = np.zeros((2, len(methods), repeats))
    for repeat in range(repeats):
        for number, method in enumerate(methods):
            if method is pooled:
                decode(path)  # start the child, which a worker does only for its first file
            cpu, wall = cpu_seconds(), time.perf_counter()
            method(path)
            times[:, number, repeat] = cpu_seconds() - cpu, time.perf_counter() - wall
    return 1000 * np.stack([times[0].mean(axis=1), np.median(times[1], axis=1)])


def cpu_seconds() -> float:
    """Return CPU seconds of this process, of its ended children and of its running children."""
    ended_children = resource.getrusage(resource.RUSAGE_CHILDREN)
    ticks = 0
    for child in Path("/proc/self/task", str(os.getpid()), "children").read_text().split():
        # Fields 14 to 17 (man proc): user and system time, its own and of its ended children.
        fields = Path("/proc", child, "stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))
    return (
        time.process_time()
        + ended_children.ru_utime
        + ended_children.ru_stime
        + ticks / os.sysconf("SC_CLK_TCK")
    )


def here(path: Path) -> None:
    """Decode and copy the result as child and parent do, but in this process."""
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
    """Decode with a new interpreter for the file."""
    pool.close()
    decode(path)


if __name__ == "__main__":
    main()

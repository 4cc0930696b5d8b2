"""What it costs to decode in another process: none, the pool's, and a fresh interpreter's.

    python benchmarks/decoding.py [--repeats 9]

The three take turns on every file, so that a busy machine slows all of them. Prints for each the
mean CPU time of all processes that took part and the median of the wall clock, and what the other
two cost above decoding the same file right here.
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
    total = np.zeros((2, 3))
    print(f"{'':24} {'CPU ms':^48}  {'wall ms':^48}")
    print(f"{'file':10} {'s':>3} {'picture':>9} " + 2 * f"{'here':>7} {'pool':>13} {'fresh':>13}  ")
    with tempfile.TemporaryDirectory() as folder:
        for name, seconds, size in SPOTS:
            path = make_media(Path(folder) / name, seconds, size=size if any(size) else (2, 2))
            costs = measured(path, repeats)
            total += costs
            shown = f"{size[0]}x{size[1]}" if any(size) else ""
            print(
                f"{name:10} {seconds:3.0f} {shown:>9} {row(costs[0])}  {row(costs[1])}", flush=True
            )
    print(f"{'all':10} {'':3} {'':9} {row(total[0])}  {row(total[1])}")


def row(costs: Costs) -> str:
    here, *others = costs
    return f"{here:7.0f} " + " ".join(f"{cost:6.0f} {cost / here - 1:+6.0%}" for cost in others)


def measured(path: Path, repeats: int) -> Costs:
    """(CPU, wall clock) x (here, pool, fresh), milliseconds a file."""
    ways: list[Callable[[Path], None]] = [here, pooled, fresh]
    taken = np.zeros((2, len(ways), repeats))
    for repeat in range(repeats):
        for number, way in enumerate(ways):
            if way is pooled:
                decode(path)  # the child is there, as it is for every file but a worker's first
            cpu, wall = cpu_seconds(), time.perf_counter()
            way(path)
            taken[:, number, repeat] = cpu_seconds() - cpu, time.perf_counter() - wall
    return 1000 * np.stack([taken[0].mean(axis=1), np.median(taken[1], axis=1)])


def cpu_seconds() -> float:
    """Of this process, of the children that it has waited for, and of those that still live."""
    over = resource.getrusage(resource.RUSAGE_CHILDREN)
    ticks = 0
    for child in Path("/proc/self/task", str(os.getpid()), "children").read_text().split():
        # After the name: user and system time, its own and of the forks it has waited for.
        fields = Path("/proc", child, "stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))
    return time.process_time() + over.ru_utime + over.ru_stime + ticks / os.sysconf("SC_CLK_TCK")


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

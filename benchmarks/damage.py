"""Does decoding a damaged file always end in a result or in a named error?

    python benchmarks/damage.py [--each 6] [--seed 0] [--seconds 3] [--keep FOLDER]

Damages a file of each container in seeded ways and decodes the results. Prints the numbers of whole
results, partial results, and errors by code. Exits with 1 if a case ended in anything else: an
internal error, a time-out, a lost process.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from damaged import damaged, whole_files  # noqa: E402

from classifier.errors import ErrorCode, MediaError  # noqa: E402
from classifier.media import Limits, decode  # noqa: E402

LIMITS = Limits(wall_seconds=30.0, cpu_seconds=20)
UNEXPECTED = (ErrorCode.INTERNAL, ErrorCode.TIMED_OUT, ErrorCode.NOT_FOUND, ErrorCode.UNREADABLE)
LOST = "a process was lost"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--each", type=int, default=6, help="cases of each kind and container")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--keep", type=Path, help="a folder for the files that failed the test")
    options = parser.parse_args()
    outcomes: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    unexpected: list[str] = []
    slowest = 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = whole_files(folder, options.seconds)
        for path in files:
            assert not decode(path).probe.partial, path.name
        children = children_of(os.getpid())
        cases = list(damaged(files, options.each, options.seed))
        for number, (origin, kind, content) in enumerate(cases):
            path = folder / f"{number}{Path(origin).suffix}"
            path.write_bytes(content)
            started = time.perf_counter()
            outcome, detail = outcome_of(path)
            slowest = max(slowest, time.perf_counter() - started)
            if children_of(os.getpid()) != children:
                outcome, detail = LOST, detail
                children = children_of(os.getpid())
            outcomes[origin, kind][outcome] += 1
            if outcome in (*UNEXPECTED, LOST):
                unexpected.append(f"case {number}: {origin}, {kind}: {outcome} {detail}")
                if options.keep:
                    options.keep.mkdir(exist_ok=True)
                    (options.keep / path.name).write_bytes(content)
            path.unlink()
    show(outcomes)
    print(f"\n{len(cases)} cases, seed {options.seed}; the slowest took {slowest:.1f} s")
    print(
        "\n".join(unexpected)
        or "Every one ended in a result or a named error; no process was lost."
    )
    sys.exit(bool(unexpected))


def outcome_of(path: Path) -> tuple[str, str]:
    try:
        media = decode(path, LIMITS)
    except MediaError as error:
        return error.code, error.detail
    return ("partial" if media.probe.partial else "whole"), ""


def children_of(process: int) -> str:
    return Path(f"/proc/{process}/task/{process}/children").read_text("ascii")


def show(outcomes: dict[tuple[str, str], Counter[str]]) -> None:
    totals: Counter[str] = sum(outcomes.values(), Counter())
    names = sorted(totals, key=lambda name: (name not in ("whole", "partial"), name))
    print(f"{'file':11} {'kind':9}" + "".join(f" {name:>{max(7, len(name))}}" for name in names))
    for (origin, kind), counts in outcomes.items():
        print(f"{origin:11} {kind:9}" + row(counts, names))
    print(f"{'all':11} {'':9}" + row(totals, names))


def row(counts: Counter[str], names: list[str]) -> str:
    return "".join(f" {counts[name] or '':>{max(7, len(name))}}" for name in names)


if __name__ == "__main__":
    main()

"""How long does it take to load a bundle, and to decide with it on one core?

    python benchmarks/bundle.py [--quick]

The baseline for loading, in a new process, is importing PyTorch, which any neural text model needs.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import common, spots  # noqa: E402
from classifier.decision.bundle import Bundle  # noqa: E402
from classifier.decision.bundle_parts import STARTER  # noqa: E402
from classifier.decision.types import SpotFeatures  # noqa: E402

REPEATS = 5
TIMED = "import sys, time; began = time.perf_counter(); {work}; print(time.perf_counter() - began)"
LOAD = "from classifier import Bundle; Bundle.load()"


def main() -> None:
    repeats = 1 if common.options(__doc__).parse_args().quick else REPEATS
    loaded = median_of(LOAD, repeats)
    torch = median_of("import torch", repeats)
    print(f"bundle loaded in a fresh process: {loaded:.2f} s")
    print(f"import torch alone: {torch:.2f} s, ratio {torch / loaded:.1f}")
    check = f"import sys; {LOAD}; print('torch' in sys.modules)"
    print(f"loading the bundle imports torch: {python(check)}")
    size = sum(path.stat().st_size for path in STARTER.rglob("*") if path.is_file())
    print(f"size: {size / 1e6:.2f} MB")
    decide(Bundle.load(), repeats)


def median_of(work: str, repeats: int) -> float:
    return statistics.median(float(python(TIMED.format(work=work))) for _ in range(repeats))


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


def decide(bundle: Bundle, repeats: int) -> None:
    """Time predictions of generated spots with both channels.

    The speech of all spots differs; repeats of a spot have the same screen text.
    """
    loaded = [spot for spot in spots.load() if spot.speech and spot.cards]
    features = [
        SpotFeatures(
            speech=f"{spot.speech} {number}",
            screen="\n".join(line for card in spot.cards for line in card),
        )
        for number in range(repeats)
        for spot in loaded
    ]
    single = [
        common.timed(lambda one=one: bundle.predict([one]), time.process_time)[1]
        for one in features
    ]
    print(
        f"one creative, speech and screen, with evidence: median "
        f"{1e3 * statistics.median(single):.1f} ms, slowest {1e3 * max(single):.1f} ms"
    )
    for title, evidence in (("with evidence", True), ("without", False)):
        seconds = common.median_seconds(
            lambda evidence=evidence: bundle.predict(features, evidence),
            repeats,
            time.process_time,
        )
        print(f"creatives a second in batches, {title}: {len(features) / seconds:.0f}")


if __name__ == "__main__":
    main()

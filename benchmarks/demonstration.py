"""Accuracy on the demonstration creatives: on the script as written, and on what Whisper heard.

    python benchmarks/demonstration.py

The named alternative is the same model on the script text: the loss between the two columns is
what voice, codec and recogniser cost.
"""

from __future__ import annotations

import csv
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from classifier.asr import load_transcriber  # noqa: E402
from classifier.pipeline import Pipeline  # noqa: E402
from classifier.text_model import TextModel  # noqa: E402

DEMO = ROOT / "demo"


def main() -> None:
    with (DEMO / "scripts.csv").open(encoding="utf-8", newline="") as file:
        scripts = list(csv.DictReader(file))
    model = TextModel.load()
    weights = Path(os.environ.get("DATA_DIR", ROOT / "data")) / "weights"
    transcriber = load_transcriber(weights_folder=weights, threads=os.cpu_count() or 1)
    began = time.monotonic()
    decisions = list(
        Pipeline(transcriber, model).classify([DEMO / "creatives" / s["file"] for s in scripts])
    )
    seconds = (time.monotonic() - began) / len(scripts)

    print(f"{'file':14} {'written for':>11} {'script':>7} {'heard':>7}")
    right = {"script": 0, "heard": 0}
    spoken = quiet = 0
    for script, decision in zip(scripts, decisions, strict=True):
        heard = decision.prediction.segment if decision.prediction else None
        if not script["segment"]:
            quiet += heard is None and decision.error is None
            print(f"{script['file']:14} {'no speech':>11} {'':>7} {show(heard):>7}")
            continue
        spoken += 1
        wanted = int(script["segment"])
        written = model.predict([script["text"]])[0].segment
        right["script"] += written == wanted
        right["heard"] += heard == wanted
        print(f"{script['file']:14} {wanted:>11} {written:>7} {show(heard):>7}")
    for what, count in right.items():
        print(f"accuracy, {what:20} {count / spoken:.3f} ({count}/{spoken})")
    print(f"ratio transcript / script     {right['heard'] / right['script']:.3f}")
    print(f"left unclassified, no speech  {quiet}/{len(scripts) - spoken}")
    print(f"errors                        {sum(d.error is not None for d in decisions)}")
    print(f"seconds a creative            {seconds:.2f}")


def show(segment: int | None) -> str:
    return "—" if segment is None else str(segment)


if __name__ == "__main__":
    main()

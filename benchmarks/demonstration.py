"""Accuracy on the demonstration creatives: on the script, on what was heard, and read besides.

    python benchmarks/demonstration.py

The named alternative is the same model on the script text: the loss to the second column is what
voice, codec and recogniser cost; the third says what the words on the screen bring back. A script
with no segment is right where nothing is decided, or a person has to look.
"""

from __future__ import annotations

import csv
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from classifier.decision.bundle import Bundle  # noqa: E402
from classifier.decision.types import Prediction, SpotFeatures  # noqa: E402
from classifier.pipeline import Pipeline  # noqa: E402
from classifier.screen import load_screen_reader  # noqa: E402
from classifier.speech.recognition import load_transcriber  # noqa: E402

DEMO = ROOT / "demo"


def main() -> None:
    with (DEMO / "scripts.csv").open(encoding="utf-8", newline="") as file:
        scripts = list(csv.DictReader(file))
    bundle = Bundle.load()
    weights = Path(os.environ.get("DATA_DIR", ROOT / "data")) / "weights"
    transcriber = load_transcriber(weights_folder=weights, threads=os.cpu_count() or 1)
    began = time.monotonic()
    decisions = list(
        Pipeline(transcriber, bundle, load_screen_reader()).classify(
            [DEMO / "creatives" / s["file"] for s in scripts]
        )
    )
    seconds = (time.monotonic() - began) / len(scripts)

    print(f"{'file':14} {'written for':>11} {'script':>7} {'heard':>7} {'read too':>8}")
    right = {"script": 0, "heard": 0, "read too": 0}
    sure = spoken = quiet = 0
    for script, decision in zip(scripts, decisions, strict=True):
        said = decision.prediction or Prediction({})
        if not script["segment"]:
            quiet += decision.error is None and (said.segment is None or said.decision == "review")
            print(f"{script['file']:14} {'none':>11} {'':>7} {'':>7} {show(said.segment):>8}")
            continue
        spoken += 1
        wanted = int(script["segment"])
        [written] = bundle.predict([SpotFeatures(script["text"])], evidence=False)
        heard = heard_segment(said)
        right["script"] += written.segment == wanted
        right["heard"] += heard == wanted
        right["read too"] += said.segment == wanted
        sure += said.decision == "auto"
        print(
            f"{script['file']:14} {wanted:>11} {show(written.segment):>7} {show(heard):>7} "
            f"{show(said.segment):>8}  {said.decision}"
        )
    for what, count in right.items():
        print(f"accuracy, {what:20} {count / spoken:.3f} ({count}/{spoken})")
    print(f"ratio transcript / script     {right['heard'] / right['script']:.3f}")
    print(f"decided without a person      {sure}/{spoken}")
    print(f"nothing said, left to people  {quiet}/{len(scripts) - spoken}")
    print(f"errors                        {sum(d.error is not None for d in decisions)}")
    print(f"seconds a creative            {seconds:.2f}")


def heard_segment(said: Prediction) -> int | None:
    """What the speech alone speaks for."""
    speech = [channel.probabilities for channel in said.channels if channel.name == "speech"]
    return max(speech[0], key=speech[0].__getitem__) if speech else None


def show(segment: int | None) -> str:
    return "—" if segment is None else str(segment)


if __name__ == "__main__":
    main()

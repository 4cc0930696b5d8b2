"""How accurate are predictions of the demonstration creatives, and what does recognition cost?

    python benchmarks/demonstration.py [--quick]

The baseline is the same model on the script text ("script"). The loss from "script" to "speech" is
due to voice, codec and recogniser; the gain from "speech" to "fused" is due to the screen text. A
creative whose script has no segment counts as correct if no segment is predicted or a person has
to review it.
"""

from __future__ import annotations

import csv
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import common  # noqa: E402
from classifier.decision.bundle import Bundle  # noqa: E402
from classifier.decision.types import Prediction, SpotFeatures  # noqa: E402
from classifier.pipeline import Pipeline  # noqa: E402
from classifier.screen import load_screen_reader  # noqa: E402
from classifier.speech.recognition import load_transcriber  # noqa: E402

DEMO = ROOT / "demo"


def main() -> None:
    quick = common.options(__doc__).parse_args().quick
    with (DEMO / "scripts.csv").open(encoding="utf-8", newline="") as file:
        scripts = list(csv.DictReader(file))[: 1 if quick else None]
    bundle = Bundle.load()
    transcriber = load_transcriber(weights_folder=common.weights(), threads=os.cpu_count() or 1)
    began = time.monotonic()
    decisions = list(
        Pipeline(transcriber, bundle, load_screen_reader()).classify(
            [DEMO / "creatives" / s["file"] for s in scripts]
        )
    )
    seconds = (time.monotonic() - began) / len(scripts)

    print(f"{'file':14} {'segment':>11} {'script':>7} {'speech':>7} {'fused':>8}")
    correct = {"script": 0, "speech": 0, "fused": 0}
    automatic = with_segment = silent_left = 0
    for script, decision in zip(scripts, decisions, strict=True):
        prediction = decision.prediction or Prediction({})
        if not script["segment"]:
            silent_left += decision.error is None and (
                prediction.segment is None or prediction.decision == "review"
            )
            print(f"{script['file']:14} {'none':>11} {'':>7} {'':>7} {show(prediction.segment):>8}")
            continue
        with_segment += 1
        segment = int(script["segment"])
        [from_script] = bundle.predict([SpotFeatures(script["text"])], evidence=False)
        from_speech = speech_segment(prediction)
        correct["script"] += from_script.segment == segment
        correct["speech"] += from_speech == segment
        correct["fused"] += prediction.segment == segment
        automatic += prediction.decision == "auto"
        print(
            f"{script['file']:14} {segment:>11} {show(from_script.segment):>7} "
            f"{show(from_speech):>7} {show(prediction.segment):>8}  {prediction.decision}"
        )
    for what, count in correct.items():
        print(f"accuracy, {what:20} {count / with_segment:.3f} ({count}/{with_segment})")
    print(f"ratio speech / script         {correct['speech'] / max(correct['script'], 1):.3f}")
    print(f"decided without a person      {automatic}/{with_segment}")
    print(f"no segment, left to people    {silent_left}/{len(scripts) - with_segment}")
    print(f"errors                        {sum(d.error is not None for d in decisions)}")
    print(f"seconds a creative            {seconds:.2f}")


def speech_segment(prediction: Prediction) -> int | None:
    """Return the most probable segment of the speech channel; None without speech."""
    speech = [channel.probabilities for channel in prediction.channels if channel.name == "speech"]
    return max(speech[0], key=speech[0].__getitem__) if speech else None


def show(segment: int | None) -> str:
    return "—" if segment is None else str(segment)


if __name__ == "__main__":
    main()

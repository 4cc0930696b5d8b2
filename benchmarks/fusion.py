"""Is the decision from all channels better than the decision from one channel?

    python benchmarks/fusion.py [--quick]

All generated spots are drawn, read by the real screen reader, and decided. The baseline is the rule
of the reference system, "text, else video": speech if there is any, else nothing, because no real
video of these spots exists. Speech is taken as a recogniser would write it. ``spots.csv`` was
committed before fusion was tuned, but its screens, and those of ``spots_later.csv``, were inspected
while it was tuned. Nothing was tuned on ``spots_unseen.csv``: trust its figures.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import common, spots  # noqa: E402
from classifier.decision.bundle import Bundle  # noqa: E402
from classifier.decision.types import Prediction, SpotFeatures  # noqa: E402
from classifier.screen import load_screen_reader  # noqa: E402
from classifier.speech.cleaning import assess_speech  # noqa: E402

KINDS = ("screen_only", "speech_only", "agreeing", "contradicting")


def main() -> None:
    each = 1 if common.options(__doc__).parse_args().quick else None  # spots of a kind
    bundle = Bundle.load()
    reader = load_screen_reader()
    print(f"{'spots':14}{'':15}{'right by':>9}")
    print(
        f"{'':14}{'kind':15}{'n':>4}{'speech':>9}{'screen':>9}{'fused':>9}{'auto':>7}{'right':>7}"
    )
    for table in (spots.TABLE, spots.LATER, spots.UNSEEN):
        everything = spots.load(table)
        loaded = [
            spot
            for kind in KINDS
            for spot in [spot for spot in everything if spot.kind == kind][:each]
        ]
        features = {
            spot.id: SpotFeatures(
                speech=spoken_words(spot.speech),
                screen=reader.read(spots.render(spot, seed=0)).text,
            )
            for spot in loaded
        }
        for kind in KINDS:
            chosen = [spot for spot in loaded if spot.kind == kind]
            if chosen:
                report(bundle, table.stem, kind, chosen, [features[spot.id] for spot in chosen])


def spoken_words(text: str) -> str:
    speech = assess_speech(text)
    return speech.text if speech.spoken else ""


def report(
    bundle: Bundle,
    table: str,
    kind: str,
    chosen: list[spots.Spot],
    features: list[SpotFeatures],
) -> None:
    speech = bundle.predict([SpotFeatures(speech=one.speech) for one in features], evidence=False)
    screen = bundle.predict([SpotFeatures(screen=one.screen) for one in features], evidence=False)
    fused = bundle.predict(features, evidence=False)
    accuracies = [
        f"{accuracy_of(chosen, predictions):.3f}" for predictions in (speech, screen, fused)
    ]
    automatic = [
        (spot, one) for spot, one in zip(chosen, fused, strict=True) if one.decision == "auto"
    ]
    automatic_correct = sum(one.segment == spot.segment for spot, one in automatic)
    print(
        f"{table:14}{kind:15}{len(chosen):4}{accuracies[0]:>9}{accuracies[1]:>9}{accuracies[2]:>9}"
        f"{len(automatic):>7}{automatic_correct:>7}",
        flush=True,
    )


def accuracy_of(chosen: list[spots.Spot], predictions: list[Prediction]) -> float:
    """Return the share of spots with a correct prediction."""
    correct = sum(
        one.segment == spot.segment for spot, one in zip(chosen, predictions, strict=True)
    )
    return correct / len(chosen)


if __name__ == "__main__":
    main()

"""Several channels against one: all generated spots, drawn, read by the real reader, decided.

    python benchmarks/fusion.py

The alternative is the rule of the reference system, "text, else video": speech where there is any,
and else nothing, for of these spots no real video exists. What is said is taken as a recogniser
would write it; what is on the screen is read from the pictures. ``spots.csv`` was committed before
fusion was tuned, and its screens were looked at while it was, as were those of ``spots_later.csv``.
On ``spots_unseen.csv`` nothing was tuned: its figure is the one to trust.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import spots  # noqa: E402
from classifier.decision.bundle import Bundle  # noqa: E402
from classifier.decision.types import Prediction, SpotFeatures  # noqa: E402
from classifier.screen import load_screen_reader  # noqa: E402
from classifier.speech.cleaning import assess_speech  # noqa: E402

KINDS = ("screen_only", "speech_only", "agreeing", "contradicting")


def main() -> None:
    bundle = Bundle.load()
    reader = load_screen_reader()
    print(f"{'spots':14}{'':15}{'right by':>9}")
    print(
        f"{'':14}{'kind':15}{'n':>4}{'speech':>9}{'screen':>9}{'fused':>9}{'auto':>7}{'right':>7}"
    )
    for table in (spots.TABLE, spots.LATER, spots.UNSEEN):
        loaded = spots.load(table)
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
    shares = [f"{share(chosen, decided):.3f}" for decided in (speech, screen, fused)]
    automatic = [
        (spot, one) for spot, one in zip(chosen, fused, strict=True) if one.decision == "auto"
    ]
    right = sum(one.segment == spot.segment for spot, one in automatic)
    print(
        f"{table:14}{kind:15}{len(chosen):4}{shares[0]:>9}{shares[1]:>9}{shares[2]:>9}"
        f"{len(automatic):>7}{right:>7}",
        flush=True,
    )


def share(chosen: list[spots.Spot], decided: list[Prediction]) -> float:
    """Of the spots, how many were decided right."""
    hits = sum(one.segment == spot.segment for spot, one in zip(chosen, decided, strict=True))
    return hits / len(chosen)


if __name__ == "__main__":
    main()

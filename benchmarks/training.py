"""Do versions get worse when they are trained again, are their figures honest, what does it cost?

    python benchmarks/training.py generations|market|size [--transcripts FILE] [--quick]

``generations``: a stand-in for the starter is trained on about 830 transcripts. Versions are
trained on 200, 230, 260, 300 and 320 labels, each beside the one before, and one on all 320 at
once. All are judged on the other families, about 500 transcripts, and compared with the first
version.

``market``: each segment in turn is held out from the starter and from 300 labels; then 30 labels of
it are added.

``size``: 20,000 made-up creatives, from words of the transcripts, are trained on.
"""

from __future__ import annotations

import csv
import random
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import common  # noqa: E402
from classifier import Bundle, train  # noqa: E402
from classifier.decision.types import SpotFeatures  # noqa: E402
from classifier.evaluation.metrics import macro_f1  # noqa: E402
from classifier.learning.dataset import Example  # noqa: E402
from classifier.learning.progress import Step  # noqa: E402
from classifier.learning.types import Config  # noqa: E402
from classifier.segments import canonical  # noqa: E402
from classifier.speech.cleaning import assess_speech  # noqa: E402
from classifier.text.families import families  # noqa: E402

SIZES = (200, 230, 260, 300, 320)
STARTER = 830
NEW_LABELS, OTHER_LABELS = 30, 300


@dataclass(frozen=True, slots=True)
class Split:
    """Creatives with speech, in parts of different families."""

    starter: list[Example]
    labelled: list[Example]
    test: list[Example]


def main() -> None:
    parser = common.options(__doc__)
    parser.add_argument("part", nargs="?", choices=("generations", "market", "size"))
    parser.add_argument("--transcripts", type=Path, default=common.TRANSCRIPTS)
    options = parser.parse_args()
    examples = read(options.transcripts)
    if options.part in (None, "generations"):
        draws, sizes = (range(1), SIZES[:2]) if options.quick else (range(5), SIZES)
        generations(examples, draws, sizes)
    if options.part in (None, "market"):
        segments = sorted({one.segment for one in examples})
        market(examples, segments[:1] if options.quick else segments, 1 if options.quick else 3)
    if options.part in (None, "size"):
        size(examples, 500 if options.quick else 20_000)


def read(transcripts: Path) -> list[Example]:
    """Return the transcripts with speech as examples with the number of their family."""
    with transcripts.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    found = families([row["text"] for row in rows]).tolist()
    result = []
    for number, (row, family) in enumerate(zip(rows, found, strict=True)):
        speech = assess_speech(row["text"])
        if speech.spoken:
            features = SpotFeatures(speech=speech.text)
            segment = canonical(int(row["Segment_num"]))
            result.append(Example(str(number), segment, features, family))
    return result


def split(examples: list[Example], draw: int, starter: int, labelled: int) -> Split:
    """Divide whole families at random: so many creatives for the starter and for labels."""
    dice = random.Random(draw)
    members = defaultdict(list)
    for one in examples:
        members[one.family].append(one)
    order = list(members)
    dice.shuffle(order)
    parts: list[list[Example]] = [[], [], []]
    for family in order:
        place = 0 if len(parts[0]) < starter else 1 if len(parts[1]) < labelled else 2
        parts[place] += members[family]
    dice.shuffle(parts[1])
    return Split(*parts)


def generations(examples: list[Example], draws: range, sizes: tuple[int, ...]) -> None:
    lost, in_interval, right, decided, reached, runs = [], 0, 0, 0, 0, 0
    steps_behind = []
    for draw in draws:
        parts = split(examples, draw, STARTER, max(sizes) + 20)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            starter = train(parts.starter, Config(folder / "starter"))
            print(f"draw {draw}: starter {true_f1(starter, parts.test):.3f}", end="")
            active, figures = starter, []
            for count in sizes:
                active = train(parts.labelled[:count], Config(folder / str(count), starter, active))
                figures.append(true_f1(active, parts.test))
                low, high = active.facts["evaluation"]["interval"]
                hits, taken = automatic(active, parts.test)
                runs += 1
                in_interval += low <= figures[-1] <= high
                right, decided = right + hits, decided + taken
                reached += wilson(hits, taken)[1] >= 0.95
                print(f", {count}: {figures[-1]:.3f}", end="", flush=True)
            at_once = train(parts.labelled[: sizes[-1]], Config(folder / "once", starter, starter))
            interval = paired(active, at_once, parts.test)
        lost += [figures[0] - one for one in figures[1:]]
        steps_behind.append(true_f1(at_once, parts.test) - figures[-1])
        print(f"; {sizes[-1]} at once {figures[-1] + steps_behind[-1]:.3f}, steps minus at once "
              f"{-steps_behind[-1]:+.3f} [{interval[0]:+.3f}, {interval[1]:+.3f}]")  # fmt: skip
    print(
        f"macro-F1 lost since the first version: median {median(lost):+.3f}, most {max(lost):+.3f}"
    )
    print(f"lost by steps: median {median(steps_behind):+.3f}, most {max(steps_behind):+.3f}")
    print(f"the truth lies in the shown interval in {in_interval} of {runs} runs")
    print(f"decided without a person at 95 %: {decided}, of these right {right / decided:.3f}; "
          f"the Wilson interval reaches .95 in {reached} of {runs} runs")  # fmt: skip


def market(examples: list[Example], segments: list[int], seeds: int) -> None:
    found, losses = [], []
    for segment in segments:
        scores = []
        for seed in range(seeds):
            new, lost = added(examples, segment, seed)
            scores.append(new)
            losses.append(lost)
        found += scores
        shown = ", ".join(f"{score:.3f}" for score in scores)
        print(f"segment {segment:2} added with {NEW_LABELS} labels: F1 {shown}", flush=True)
    print(f"F1 of the new segment: median {median(found):.3f}, least {min(found):.3f}")
    print(f"mean F1 that the others lost: median {median(losses):+.3f}, most {max(losses):+.3f}")


def added(examples: list[Example], segment: int, seed: int) -> tuple[float, float]:
    """Return the F1 of a segment that is added, and the mean F1 that the others lost."""
    parts = split(examples, seed, STARTER, OTHER_LABELS + 150)
    others = [one for one in parts.labelled if one.segment != segment][:OTHER_LABELS]
    own = [one for one in [*parts.labelled, *parts.starter] if one.segment == segment]
    new = own[:NEW_LABELS]
    # The rest of the families of these labels is left out, and so is the segment from the starter.
    test = parts.test
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        known = [one for one in parts.starter if one.segment != segment]
        starter = train(known, Config(folder / "starter"))
        before = train(others, Config(folder / "before", starter, starter))
        after = train([*others, *new], Config(folder / "after", starter, before, least_labels=20))
    predicted = [one.segment for one in after.predict([one.features for one in test], False)]
    hits = sum(p == segment == one.segment for p, one in zip(predicted, test, strict=True))
    total = sum(p == segment for p in predicted) + sum(one.segment == segment for one in test)
    rest = [one for one in test if one.segment != segment]
    return 2 * hits / max(total, 1), mean_f1(before, rest) - mean_f1(after, rest)


def size(examples: list[Example], count: int) -> None:
    creatives = made_up(examples, count)
    began_at = common.megabytes("VmHWM")

    def show(step: Step) -> None:
        print(f"  {step.stage} {step.number}/{step.count}: {step.share:.0%}", flush=True)

    with tempfile.TemporaryDirectory() as name:
        starter = Bundle.load()
        config = Config(Path(name) / "m", starter, starter)
        bundle, seconds = common.timed(lambda: train(creatives, config, show))
    learned = bundle.facts["training"]["creatives"]
    print(f"{count} creatives, {learned} used: {seconds:.0f} s, peak memory "
          f"{common.megabytes('VmHWM'):.0f} MB (before {began_at:.0f})")  # fmt: skip


def made_up(examples: list[Example], count: int) -> list[Example]:
    """Return creatives of words of two transcripts of a segment and of others.

    Half of them have a screen text.
    """
    dice = random.Random(0)
    spots = [(one.segment, one.features.speech.split()) for one in examples]
    by_segment = defaultdict(list)
    for segment, words in spots:
        by_segment[segment].append(words)
    vocabulary = [word for _, words in spots for word in words]
    result = []
    for number in range(count):
        segment, words = dice.choice(spots)
        second = dice.choice(by_segment[segment])
        own = dice.sample(words, len(words) // 2) + dice.sample(second, len(second) // 4)
        text = [*own, *dice.choices(vocabulary, k=len(words) // 3)]
        dice.shuffle(text)
        screen = " ".join(dice.choices(text, k=6)) if number % 2 else ""
        features = SpotFeatures(speech=" ".join(text), screen=screen)
        result.append(Example(str(number), segment, features))
    return result


def true_f1(bundle: Bundle, test: list[Example]) -> float:
    predicted = bundle.predict([one.features for one in test], evidence=False)
    return macro_f1([one.segment for one in test], [one.segment for one in predicted])


def mean_f1(bundle: Bundle, test: list[Example]) -> float:
    """Return the mean F1 of the segments of ``test``, without others that are predicted."""
    truth = np.array([one.segment for one in test])
    predictions = bundle.predict([one.features for one in test], evidence=False)
    predicted = np.array([one.segment for one in predictions])
    scores = [
        2
        * ((truth == one) & (predicted == one)).sum()
        / ((truth == one).sum() + (predicted == one).sum())
        for one in np.unique(truth)
    ]
    return float(np.mean(scores))


def automatic(bundle: Bundle, test: list[Example]) -> tuple[int, int]:
    """Return the number of correct automatic decisions, and of all of them."""
    pairs = zip(bundle.predict([one.features for one in test], evidence=False), test, strict=True)
    right = [one.segment == truth.segment for one, truth in pairs if one.decision == "auto"]
    return sum(right), len(right)


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927)."""
    if not count:
        return 0.0, 1.0
    z, share = 1.96, hits / count
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z * (share * (1 - share) / count + (z / (2 * count)) ** 2) ** 0.5 / (1 + z**2 / count)
    return middle - half, middle + half


def paired(one: Bundle, other: Bundle, test: list[Example]) -> tuple[float, float]:
    """Return the 95 % interval of the difference of macro-F1, over 500 resamples of families."""
    truth = np.array([each.segment for each in test])
    predicted: list[NDArray[np.int64]] = [
        np.array([p.segment for p in bundle.predict([t.features for t in test], evidence=False)])
        for bundle in (one, other)
    ]
    numbers, place = np.unique([each.family for each in test], return_inverse=True)
    rows_of = [np.flatnonzero(place == number) for number in range(len(numbers))]
    generator, differences = np.random.default_rng(0), []
    for _ in range(500):
        drawn = generator.integers(0, len(numbers), len(numbers))
        rows = np.concatenate([rows_of[number] for number in drawn])
        first, second = (macro_f1(truth[rows], values[rows]) for values in predicted)
        differences.append(first - second)
    low, high = np.percentile(differences, [2.5, 97.5])
    return float(low), float(high)


if __name__ == "__main__":
    main()

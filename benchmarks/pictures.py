"""What do picture encoders cost, and which picture classifier is better?

    python benchmarks/pictures.py [--xclip NAME_OR_FOLDER] [--quick]

Prints the CPU seconds of the encoders for 8 frames, and compares CatBoost with nearest neighbours.
Without --xclip the network of microsoft/xclip-base-patch32 is built with random weights, which cost
the same. The vectors for the classifiers are generated, so their macro-F1 compares the two methods
and says nothing about their quality on real spots.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import common  # noqa: E402
from classifier.evaluation.metrics import macro_f1  # noqa: E402
from classifier.pictures.classifiers import train_picture_classifier  # noqa: E402
from classifier.pictures.encoders import load_picture_encoder  # noqa: E402
from classifier.pictures.types import (  # noqa: E402
    EFFICIENTNET,
    METHODS,
    PictureEncoder,
)
from classifier.segments import NUMBERS  # noqa: E402

FRAMES = 8


@dataclass(frozen=True)
class Size:
    """How much is measured: repeats, seeds, numbers of generated vectors, and their lengths."""

    repeats: int = 5
    seeds: tuple[int, ...] = (0, 1, 2)
    training: int = 1_700
    test: int = 1_000
    dimensions: tuple[int, ...] = (512, 1_280)


QUICK = Size(repeats=1, seeds=(0,), training=170, test=50, dimensions=(32,))


def main() -> None:
    parser = common.options(__doc__)
    parser.add_argument("--xclip", help="name on the hub or folder; random weights without it")
    options = parser.parse_args()
    xclip, size = options.xclip, QUICK if options.quick else Size()
    random = np.random.default_rng(0)
    frames = [random.integers(0, 256, (360, 640, 3), np.uint8) for _ in range(FRAMES)]
    print(f"{'encoder':34} {'numbers':>7} {f'CPU s, {FRAMES} frames':>15} {'peak MB':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for load in (
            lambda: load_picture_encoder(EFFICIENTNET, weights_folder=Path(folder)),
            lambda: (
                load_picture_encoder(xclip, weights_folder=Path(folder))
                if xclip
                else untrained_xclip(options.quick)
            ),
        ):
            show_encoder(load, frames, size.repeats)
    print(
        f"\n{'vectors':>7} {'classifier':10} {'macro-F1':>8} {'train CPU s':>11} {'ms a spot':>9}"
    )
    for dimension in size.dimensions:
        show_classifiers(dimension, size)


def show_encoder(
    load: Callable[[], PictureEncoder], frames: list[NDArray[np.uint8]], repeats: int
) -> None:
    encoder = load()
    encoder.encode(frames)
    cost = common.median_seconds(lambda: encoder.encode(frames), repeats, time.process_time)
    peak = common.megabytes("VmHWM")
    print(f"{encoder.name:34} {encoder.dimension:7} {cost:15.2f} {peak:8.0f}", flush=True)


def untrained_xclip(small: bool) -> PictureEncoder:
    """Return X-CLIP with random weights, in its usual size or with one layer of each kind."""
    import torch
    from transformers import VideoMAEImageProcessorPil, XCLIPConfig, XCLIPModel

    from classifier.pictures.xclip import XCLIP

    torch.set_num_threads(1)
    one = {"num_hidden_layers": 1}
    vision = one | {"mit_num_hidden_layers": 1}
    layers = {"text_config": one, "vision_config": vision} if small else {}
    return XCLIP(
        "xclip-base-patch32, random weights",
        XCLIPModel(XCLIPConfig(**layers)).eval(),
        VideoMAEImageProcessorPil(),
    )


def show_classifiers(dimension: int, size: Size) -> None:
    figures: dict[str, list[tuple[float, float, float]]] = {method: [] for method in METHODS}
    for seed in size.seeds:
        features, segments = generated(size.training, dimension, seed, part=0)
        test_vectors, true_segments = generated(size.test, dimension, seed, part=1)
        ids = [str(number) for number in range(size.training)]
        for method in METHODS:
            began = time.process_time()
            model = train_picture_classifier(
                method, features, segments.tolist(), ids, encoder="generated"
            )
            trained = time.process_time()
            predicted = np.array(model.numbers)[model.predict_proba(test_vectors).argmax(axis=1)]
            prediction_seconds = time.process_time() - trained
            score = macro_f1(true_segments, predicted)
            figures[method].append((score, trained - began, 1000 * prediction_seconds / size.test))
    for method, rows in figures.items():
        score, cost, prediction_seconds = (
            statistics.median(column) for column in zip(*rows, strict=True)
        )
        print(
            f"{dimension:7} {method:10} {score:8.3f} {cost:11.2f} {prediction_seconds:9.3f}",
            flush=True,
        )
    pairs = zip(*(figures[method] for method in METHODS), strict=True)
    ratios = " ".join(f"{first[0] / second[0]:.3f}" for first, second in pairs)
    print(f"{dimension:7} macro-F1 {METHODS[0]} / {METHODS[1]}, seeds {size.seeds}: {ratios}")


def generated(
    count: int, dimension: int, seed: int, part: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Generate unit vectors of spots, unevenly distributed over the segments.

    24 hidden traits, which overlap between segments, decide the segment. A common offset and noise
    are added, as in the vectors of a real encoder.

    Returns:
        Vectors, float32, (count, dimension), and segments, int64, (count,).
    """
    shared_random, random = np.random.default_rng(seed), np.random.default_rng((seed, part))
    segment_means = shared_random.normal(size=(len(NUMBERS), 24))
    spread = shared_random.normal(size=(24, dimension))
    offset = 6 * shared_random.normal(size=dimension)
    places = random.choice(
        len(NUMBERS), count, p=shared_random.dirichlet(np.full(len(NUMBERS), 2.0))
    )
    traits = segment_means[places] + 1.6 * random.normal(size=(count, 24))
    vectors = traits @ spread + offset + random.normal(size=(count, dimension))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit.astype(np.float32), np.array(NUMBERS)[places]


if __name__ == "__main__":
    main()

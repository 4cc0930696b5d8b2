"""Load the reference spend into the database, with segments for most advertisements."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from classifier.segments import NUMBERS
from creativefilter.creatives import model_versions
from creativefilter.creatives.models import (
    Creative,
    Label,
    MediaVersion,
    ModelVersion,
    Prediction,
)
from creativefilter.spend.imports import importer
from creativefilter.spend.totals import segment_changes

SPEND = "dashboard_data_synthetic.csv.gz"
BATCH = 1_000


def load(folder: Path) -> dict[str, int]:
    """Import the rows of the reference data, and return its segments by Advertisement ID.

    Two thirds of the segments are labels, the others predictions of the active model version.
    """
    numbers = reference_segments(folder)
    classify(numbers, predicted=set(list(numbers)[::3]))
    importer.import_file(folder / SPEND)
    segment_changes.catch_up()
    return numbers


def reference_segments(folder: Path) -> dict[str, int]:
    """Return the segments by Advertisement ID. Segment 6 is the same as 0 and is read as 0."""
    with (folder / "train_segments.csv").open(encoding="utf-8-sig") as lines:
        rows = list(csv.DictReader(lines))
    numbers = {row["Advertisement ID"]: int(row["Segment_num"]) for row in rows}
    return {name: 0 if number == 6 else number for name, number in numbers.items()}


def classify(numbers: dict[str, int], predicted: set[str]) -> None:
    """Create creatives with these segments: predictions for ``predicted``, labels for the others.

    The probabilities of the predictions are random.
    """
    done = Creative.State.DONE
    made = {name: Creative(advertisement_id=name, name=name, state=done) for name in numbers}
    Creative.objects.bulk_create(made.values(), BATCH)
    labels = [
        Label(creative=made[name], segment_id=number)
        for name, number in numbers.items()
        if name not in predicted
    ]
    Label.objects.bulk_create(labels, BATCH)
    chosen = [name for name in numbers if name in predicted]
    sharp = np.random.default_rng(0).dirichlet(np.full(len(NUMBERS), 0.1), len(chosen))
    for row, name in zip(sharp, chosen, strict=True):
        place, best = NUMBERS.index(numbers[name]), int(row.argmax())
        row[[place, best]] = row[[best, place]]
    predict([made[name] for name in chosen], sharp)


def predict(creatives: list[Creative], probabilities: np.ndarray) -> None:
    """Create media for these creatives, and predictions with these probabilities.

    ``probabilities`` has the shape (creatives, segments).
    """
    media = [MediaVersion(creative=each, sha256=each.name, size=1) for each in creatives]
    MediaVersion.objects.bulk_create(media, BATCH)
    for version in media:
        version.creative.current_media = version
    # A single UPDATE with a subquery takes minutes on PostgreSQL, because its statistics are older
    # than the rows.
    Creative.objects.bulk_update(creatives, ["current_media"], BATCH)
    predict_current_media(creatives, probabilities)


def predict_current_media(creatives: list[Creative], probabilities: np.ndarray) -> None:
    """Add predictions of the active version for the current media of these creatives.

    ``probabilities`` has the shape (creatives, segments).
    """
    model = ModelVersion.objects.filter(is_active=True).first()
    if model is None:
        model = ModelVersion.objects.create(name="report", digest="report", folder="report")
        model_versions.activate(model)
    Prediction.objects.bulk_create(
        [
            Prediction(
                creative=each,
                media=each.current_media,
                model_version=model,
                segment_id=NUMBERS[int(row.argmax())],
                probability=float(row.max()),
                probabilities=dict(zip(map(str, NUMBERS), row.tolist(), strict=True)),
            )
            for each, row in zip(creatives, probabilities, strict=True)
        ],
        BATCH,
    )

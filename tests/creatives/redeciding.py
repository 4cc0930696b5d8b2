"""Analysed creatives without files, and the job that decides them again, run in the test."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

from django.conf import settings

from creativefilter.creatives import model_versions
from creativefilter.creatives.analysis.redecision import decide_again
from creativefilter.creatives.models import (
    Creative,
    MediaVersion,
    ModelVersion,
    Prediction,
    ScreenReading,
    Transcript,
)
from creativefilter.jobs import stage_runner
from creativefilter.jobs.models import Job
from tests.bundles import CARD_SCREEN, CARD_SPOT, DOUBTFUL, SHOP_SCREEN, SPEAKER_SPOT, WORDS

MIX = {0: 60.0, 12: 0.5, 16: 3.0}


def create(count: int, prefix: str = "7") -> list[Creative]:
    """Create creatives with generated speech; some have text on the screen, a few neither."""
    dice = random.Random(count)
    texts = [CARD_SPOT, SPEAKER_SPOT, DOUBTFUL, *WORDS.values()]
    screens = ["", "", SHOP_SCREEN, CARD_SCREEN]
    made = Creative.objects.bulk_create(
        Creative(advertisement_id=f"{prefix}{number:05}", name="x", state=Creative.State.DONE)
        for number in range(count)
    )
    media = MediaVersion.objects.bulk_create(
        MediaVersion(creative=one, sha256=one.advertisement_id, size=0) for one in made
    )
    for one, version in zip(made, media, strict=True):
        one.current_media = version
    Creative.objects.bulk_update(made, ["current_media"])
    spoken = [dice.random() < 0.9 for _ in media]
    words = [dice.choice(texts).split() for _ in media]
    Transcript.objects.bulk_create(
        Transcript(media=one, speech=text if has else "", text=text, spoken=has, seconds_taken=0)
        for one, has, choice in zip(media, spoken, words, strict=True)
        for text in [" ".join(dice.sample(choice, max(2, len(choice) * 2 // 3)))]
    )
    ScreenReading.objects.bulk_create(
        ScreenReading(media=one, engine="e", text=text, seconds_taken=0)
        for one in media
        if (text := dice.choice(screens))
    )
    return made


def another_version(folder: Path) -> ModelVersion:
    """Register a copy of the starter with another manifest."""
    shutil.copytree(settings.STARTER_MODEL, folder)
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text() + "\n")
    return model_versions.register_folder(folder)


def queued() -> Job:
    """Queue the job that decides all creatives again."""
    found = decide_again(None)
    assert found is not None
    return found.job


def turn(job: Job, worker: str = "test") -> None:
    """Run one turn of a job."""
    stage_runner.run_stage(str(job.pk), job.stage, worker)
    job.refresh_from_db()


def run(job: Job) -> Job:
    """Run a job to its end."""
    while job.state == Job.State.QUEUED:
        turn(job)
    return job


def decisions() -> list[tuple[Any, ...]]:
    """Return the decision of each prediction of the active version, in the order of creatives."""
    rows = Prediction.objects.filter(model_version__is_active=True).order_by("creative_id", "pk")
    return list(
        rows.values_list(
            "creative", "segment", "decision", "conflict", "probability", "threshold"
        )
    )  # fmt: skip


def fresh_decisions() -> list[tuple[Any, ...]]:
    """Return what the active version and the current settings decide now, from the texts."""
    from creativefilter.creatives.analysis.decision import features_of_many
    from creativefilter.creatives.analysis.rule_in_force import rule_in_force

    media = list(MediaVersion.objects.select_related("creative").order_by("creative_id"))
    predicted = rule_in_force().bundle().predict(features_of_many(media), evidence=False)
    return [
        (
            one.creative_id,
            found.segment,
            found.decision,
            found.conflict,
            found.probability,
            found.threshold,
        )
        for one, found in zip(media, predicted, strict=True)
    ]

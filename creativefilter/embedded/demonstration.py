"""The demonstration creatives: their scripts, intake and results."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.files.base import File

from creativefilter.creatives.analysis.jobs import analyse_again
from creativefilter.creatives.intake import receiving
from creativefilter.creatives.models import Creative, Prediction
from creativefilter.jobs.models import Job

FOLDER = Path(settings.BASE_DIR) / "demo"


@dataclass(frozen=True, slots=True)
class Script:
    """The script of a demonstration creative; ``segment`` is None if it belongs to no segment."""

    file: str
    segment: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a demonstration creative; ``prediction`` is None if it failed."""

    script: Script
    creative: Creative
    prediction: Prediction | None

    @property
    def right(self) -> bool:
        """Whether the segment is the script's, or is left to a person if the script has none."""
        if self.prediction is None:
            return False
        if self.script.segment is None:
            for_review = self.prediction.decision == Prediction.Decision.REVIEW
            return self.prediction.segment_id is None or for_review
        return self.prediction.segment_id == self.script.segment


def scripts() -> list[Script]:
    """Return the scripts of all demonstration creatives."""
    with (FOLDER / "scripts.csv").open(encoding="utf-8", newline="") as file:
        return [
            Script(row["file"], int(row["segment"]) if row["segment"] else None, row["text"])
            for row in csv.DictReader(file)
        ]


def seed() -> list[Script]:
    """Take in every demonstration creative, queue its analysis, and return the scripts."""
    owner = get_user_model().objects.filter(is_superuser=True).order_by("pk").first()
    seeded = scripts()
    for script in seeded:
        with (FOLDER / "creatives" / script.file).open("rb") as file:
            received = receiving.receive(
                File(file), script.file, owner=owner, urgency=Job.Urgency.BATCH, is_demo=True
            )
        if received.job.is_final:
            # Show the work being done, even for files that are known already.
            analyse_again(received.creative, owner)
    return seeded


def finished(waiting: dict[str, Script]) -> Iterator[Outcome]:
    """Remove the finished scripts from ``waiting`` (by file name) and yield their outcomes."""
    ended = Creative.objects.filter(
        is_demo=True,
        name__in=list(waiting),
        state__in=(Creative.State.DONE, Creative.State.FAILED),
    ).order_by("job__finished_at")
    for creative in ended:
        prediction = None
        if creative.state == Creative.State.DONE:
            prediction = creative.predictions.select_related("segment").first()
        yield Outcome(waiting.pop(creative.name), creative, prediction)

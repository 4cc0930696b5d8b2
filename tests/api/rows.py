"""Creatives for the tests of the API."""

from __future__ import annotations

from typing import Any

from creativefilter.creatives import model_versions
from creativefilter.creatives.models import (
    Creative,
    MediaVersion,
    Prediction,
    ScreenReading,
    Transcript,
)


def creative(number: int, segment: int | None = None, **fields: Any) -> Creative:
    """Create an analysed creative, with a prediction of the active model if ``segment`` is given.

    Args:
        number: Its Advertisement ID. It is part of the texts, and the probability is 0.5 + number /
            1000. The decision is "auto" for odd numbers, else "review".
        segment: The predicted segment.
        fields: Other fields of ``Creative``.
    """
    row = Creative.objects.create(name=f"{number}.mp4", advertisement_id=str(number), **fields)
    media = MediaVersion.objects.create(
        creative=row, original_name=row.name, sha256=str(number), size=1, seconds=15.5,
        probe={"frames": [{"seconds": 1.0, "file": "frame-00.jpg"}]},
    )  # fmt: skip
    row.current_media, row.state = media, Creative.State.DONE
    row.save()
    Transcript.objects.create(
        media=media, engine="e", model="m", language="ru", text="t", spoken=True,
        speech=f"Кредит номер {number}", seconds_taken=1,
    )  # fmt: skip
    ScreenReading.objects.create(media=media, text=f"ЭКРАН {number}", seconds_taken=1)
    if segment is not None:
        Prediction.objects.create(
            creative=row, media=media, model_version=model_versions.active(), segment_id=segment,
            probability=0.5 + number / 1000, decision="auto" if number % 2 else "review",
            probabilities={str(segment): 0.75, "0": 0.25},
            channels=[{"name": "speech", "probabilities": {str(segment): 0.9}}],
        )  # fmt: skip
    return row

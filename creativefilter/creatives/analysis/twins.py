"""Twins: the same bytes under another Advertisement ID, whose results are taken over.

Decoding, speech, screen and pictures are not repeated. Only the decision is made again, because it
may depend on advertiser, brand and media type. Rows are copied, so that either creative can be
deleted without the other.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from copy import copy
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from creativefilter.creatives.analysis import engines, working_copies
from creativefilter.creatives.families import grouping
from creativefilter.creatives.models import (
    Creative,
    MediaVersion,
    PictureVector,
    Prediction,
    ScreenReading,
    Transcript,
)
from creativefilter.jobs import lifecycle
from creativefilter.jobs.kinds import Save
from creativefilter.jobs.models import Job

logger = logging.getLogger(__name__)
_FACTS = ("container", "seconds", "partial", "share_read", "probe", "shape")


def of(creative: Creative) -> QuerySet[Creative]:
    """Return the other creatives whose current media has the same bytes, oldest first."""
    media = creative.current_media
    if media is None or not media.file:
        return Creative.objects.none()
    same = Creative.objects.filter(current_media__sha256=media.sha256)
    return same.exclude(pk=creative.pk).exclude(current_media__file="").order_by("pk")


def known(media: MediaVersion) -> MediaVersion | None:
    """Return a fully analysed version with these bytes: ``media`` itself, else another creative's.

    Demonstration creatives and real ones never share results.
    """
    whole = (
        MediaVersion.objects.filter(
            Exists(Transcript.objects.filter(media=OuterRef("pk"))),
            Exists(Prediction.objects.filter(media=OuterRef("pk"))),
            sha256=media.sha256,
            creative__is_demo=media.creative.is_demo,
        )
        .exclude(file="")
        .order_by("pk")
    )
    found = [one for one in whole if _is_whole(one)]
    return next((one for one in found if one.pk == media.pk), found[0] if found else None)


def _is_whole(media: MediaVersion) -> bool:
    """Whether the working copies exist, and the screen was read if there are frames.

    A screen that could not be read counts as read while this process has no reader either.
    """
    if not (working_copies.folder(media.pk) / working_copies.AUDIO).is_file():
        return False
    if not media.probe.get("frames"):
        return True
    reading = media.readings.first()
    return reading is not None and not (reading.problem and engines.reads_screens())


def take_over(job: Job, media: MediaVersion) -> Save | None:
    """Return a ``Save`` that copies the results of a twin and skips to the job's last stage.

    None if the job is ``fresh``, or if there is no fully analysed version of these bytes whose
    working copies can be read.
    """
    from classifier.media import looks_like

    if job.params.get("fresh"):
        return None
    twin = known(media)
    if twin is None:
        return None
    try:
        if twin.pk != media.pk:
            working_copies.share(twin.pk, media.pk)
        made = grouping.new_fingerprint(twin, working_copies.frames(twin.pk, twin.probe))
    except (OSError, ValueError) as error:
        # The twin was deleted or decoded again meanwhile: the stage does its own work.
        logger.info("media version %s: not taken over from %s: %r", media.pk, twin.pk, error)
        return None
    rows = _rows(twin, media) if twin.pk != media.pk else []
    facts = {name: getattr(twin, name) for name in _FACTS}
    facts["probe"] = {**twin.probe, "looks_like": looks_like(media.original_name, twin.container)}

    def save() -> None:
        MediaVersion.objects.filter(pk=media.pk).update(**facts)
        for row in rows:
            copy(row).save()  # ``save`` may run again, and a saved row has a key
        grouping.store(media, made)
        lifecycle.skip_to_last_stage(job)

    return save


def _rows(twin: MediaVersion, media: MediaVersion) -> Sequence[Any]:
    """Return the twin's newest transcript and screen reading and its vectors, for ``media``."""
    transcript: Transcript | None = twin.transcripts.first()
    reading: ScreenReading | None = twin.readings.first()
    have = set(media.vectors.values_list("encoder", flat=True))
    vectors: list[PictureVector] = list(twin.vectors.exclude(encoder__in=have))
    rows: list[Any] = [row for row in (transcript, reading, *vectors) if row is not None]
    for row in rows:
        row.pk = None
        row._state.adding = True
        row.media = media
    return rows

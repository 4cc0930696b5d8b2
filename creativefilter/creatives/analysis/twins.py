"""The same bytes under another Advertisement ID: what is known of them is taken over.

Nothing is decoded, heard or read a second time; only the decision is made anew, for it may hang
on whose creative it is. Everything is copied, so neither depends on how long the other stays.
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
    """The other creatives that have the same file now, the oldest first."""
    media = creative.current_media
    if media is None or not media.file:
        return Creative.objects.none()
    same = Creative.objects.filter(current_media__sha256=media.sha256)
    return same.exclude(pk=creative.pk).exclude(current_media__file="").order_by("pk")


def known(media: MediaVersion) -> MediaVersion | None:
    """A version with these bytes of which all is known: itself, or that of another creative.

    Demonstration creatives and others know nothing of each other.
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
    """Return whether its working copies exist, and its screen was read if it has one.

    A screen that could not be read counts as read while this process has no reader either.
    """
    if not (working_copies.folder(media.pk) / working_copies.AUDIO).is_file():
        return False
    if not media.probe.get("frames"):
        return True
    reading = media.readings.first()
    return reading is not None and not (reading.problem and engines.reads_screens())


def take_over(job: Job, media: MediaVersion) -> Save | None:
    """What a stage saves in place of its own work, after which the job is at its last stage.

    None where nothing is known of these bytes, or everything has to be done anew.
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
        made = grouping.made_of(twin, working_copies.frames(twin.pk, twin.probe))
    except (OSError, ValueError) as error:
        # Deleted or decoded anew at this moment: then the work is done.
        logger.info("media version %s: not taken over from %s: %r", media.pk, twin.pk, error)
        return None
    rows = _rows(twin, media) if twin.pk != media.pk else []
    facts = {name: getattr(twin, name) for name in _FACTS}
    facts["probe"] = {**twin.probe, "looks_like": looks_like(media.original_name, twin.container)}

    def save() -> None:
        MediaVersion.objects.filter(pk=media.pk).update(**facts)
        for row in rows:
            copy(row).save()  # saved once more it would have the key of the first time
        grouping.store(media, made)
        lifecycle.skip_to_last_stage(job)

    return save


def _rows(twin: MediaVersion, media: MediaVersion) -> Sequence[Any]:
    """The newest of what was heard and read and the vectors, as rows of ``media``."""
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

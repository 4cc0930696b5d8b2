"""The one way in: a file becomes a creative with a media version, a known one is recognised."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import PurePosixPath

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.base import File
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from creativefilter.creatives.analysis import decision, stages
from creativefilter.creatives.labels.imports import take_waiting
from creativefilter.creatives.models import (
    Creative,
    MediaVersion,
    Prediction,
    ScreenReading,
    Transcript,
    storage_name,
)
from creativefilter.jobs import lifecycle, quota
from creativefilter.jobs.models import Job

MEDIA_SUFFIXES = {
    ".wav", ".mp4", ".avi", ".flv", ".wbm", ".webm", ".ogg", ".ogv", ".mp3", ".m4a", ".mov",
    ".mkv", ".mpg", ".mpeg", ".flac", ".opus",
}  # fmt: skip
# "4297908.avi", and the "4297908 (1).AVI" that a browser makes of a second download.
_NUMERIC_STEM = re.compile(r"([0-9]{1,64})(?: ?\([0-9]+\))?")


class IntakeError(ValueError):
    """The upload can't become a creative; the message is for the person who sent it."""


class AlreadyIn(Exception):  # noqa: N818 (nothing went wrong)
    """These bytes are in as this creative, analysed or on their way."""

    def __init__(self, creative: Creative) -> None:
        super().__init__(creative.pk)
        self.creative = creative


@dataclass(frozen=True, slots=True)
class Received:
    """What became of an upload. ``job`` analyses it, or is done if the answer was known."""

    creative: Creative
    media: MediaVersion
    job: Job
    known: bool


def display_name(name: str) -> str:
    """A client's file name made safe to show: no path, no control or direction characters.

    At most 255 characters; the extension survives the cut.
    """
    name = PurePosixPath(name.replace("\\", "/")).name
    name = "".join(c for c in name if unicodedata.category(c)[0] != "C").strip()
    if len(name) > 255:
        suffix = PurePosixPath(name).suffix[:16]
        name = name[: 255 - len(suffix)] + suffix
    return name or _("unnamed")


def advertisement_id_of(name: str) -> str | None:
    """The Advertisement ID that a file's name carries, if the name is a number."""
    match = _NUMERIC_STEM.fullmatch(PurePosixPath(name).stem)
    return match[1] if match else None


def is_media(name: str) -> bool:
    """Whether a file among others is meant to be a creative. Its content decides, later."""
    return PurePosixPath(name).suffix.lower() in MEDIA_SUFFIXES


def too_large() -> IntakeError:
    limit = settings.UPLOAD_MAX_BYTES // 1024**2
    return IntakeError(_("The file is larger than %(limit)d MB.") % {"limit": limit})


def unreadable(error: OSError) -> IntakeError:
    return IntakeError(_("The file can't be read: %s.") % (error.strerror or error))


def digest_of(file: File[bytes]) -> tuple[str, int]:
    """SHA-256 and size, read in chunks; raises ``IntakeError`` past the size limit."""
    digest = hashlib.sha256()
    size = 0
    try:
        for chunk in file.chunks():
            size += len(chunk)
            if size > settings.UPLOAD_MAX_BYTES:
                raise too_large()
            digest.update(chunk)
        file.seek(0)
    except OSError as error:
        # Later on it may be our own disk: that is no refusal.
        raise unreadable(error) from error
    return digest.hexdigest(), size


def receive(
    file: File[bytes],
    name: str,
    *,
    owner: User | None = None,
    advertisement_id: str | None = None,
    urgency: str = Job.Urgency.INTERACTIVE,
    is_demo: bool = False,
    again: bool = True,
) -> Received:
    """Stores an upload and makes its job; bytes that are known already are not stored again.

    The same Advertisement ID with other bytes is a new media version of the same creative, the
    old one is kept. Raises ``IntakeError``; and ``AlreadyIn`` for bytes that are the creative's
    current ones, unless ``again`` asks for a job all the same.
    """
    name = display_name(name)
    advertisement_id = (advertisement_id or "").strip() or advertisement_id_of(name)
    sha256, size = digest_of(file)
    here = _known(advertisement_id, sha256)
    if here and not again:
        raise AlreadyIn(here)
    media = MediaVersion(original_name=name, sha256=sha256, size=size)
    storage = media.file.storage
    # Before the transaction: the copy may take long, and writers wait for one another.
    stored = "" if here else storage.save(storage_name(media, name), file)
    try:
        with transaction.atomic():
            _one_at_a_time(sha256)
            creative = _creative(advertisement_id, sha256, name, owner, is_demo)
            known = creative.media.filter(sha256=sha256).first()
            if known:
                media = known
            else:
                media.creative = creative
                stored = stored or storage.save(storage_name(media, name), file)
                media.file.name = stored
                media.save()
            job = _answered(creative, media, owner) if known else None
            job = job or (_under_way(creative, media, owner) if known else None)
            if job is None:
                job = _analyse(creative, media, owner, urgency)
    except BaseException:
        if stored:
            storage.delete(stored)
        raise
    if known and stored:
        storage.delete(stored)
    return Received(creative, media, job, known is not None)


def _known(advertisement_id: str | None, sha256: str) -> Creative | None:
    """The creative whose current bytes these are already."""
    same = Creative.objects.filter(current_media__sha256=sha256, is_demo=False)
    if advertisement_id:
        same = same.filter(advertisement_id=advertisement_id)
    return same.order_by("pk").first()


def _one_at_a_time(sha256: str) -> None:
    """Lets uploads of the same bytes wait for one another until the transaction ends.

    No row is there yet to be locked. SQLite's transactions come one after the other anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(sha256[:15], 16)])


def _creative(
    advertisement_id: str | None,
    sha256: str,
    name: str,
    owner: User | None,
    is_demo: bool,
) -> Creative:
    """The creative that an upload belongs to: by its ID, else by its bytes, else a new one."""
    fresh = {"name": name, "created_by": owner, "is_demo": is_demo}
    if advertisement_id:
        creative, created = Creative.objects.get_or_create(
            advertisement_id=advertisement_id, defaults=fresh
        )
        if created:
            take_waiting([creative])
        if creative.is_demo and not is_demo:
            # Somebody's own now: it must not go with the demonstration.
            creative.is_demo = False
            creative.save(update_fields=["is_demo"])
        return creative
    same = Creative.objects.filter(media__sha256=sha256, is_demo=is_demo).order_by("pk").first()
    return same or Creative.objects.create(**fresh)


def _answered(creative: Creative, media: MediaVersion, owner: User | None) -> Job | None:
    """A job that is done at once: the same bytes were already judged by the active model."""
    prediction = media.predictions.filter(model_version__is_active=True).first()
    is_current = creative.current_media_id == media.pk
    if prediction is None or not is_current or creative.state != Creative.State.DONE:
        return None
    return lifecycle.create_done(
        stages.ANALYSE,
        {"creative": creative.pk, "media": media.pk},
        decision.outcome(prediction),
        owner,
    )


def _under_way(creative: Creative, media: MediaVersion, owner: User | None) -> Job | None:
    """The owner's own job that works on these bytes right now: none is needed beside it."""
    job = creative.job
    mine = job and not job.is_final and job.owner_id == (owner.pk if owner else None)
    return job if mine and creative.current_media_id == media.pk else None


def _analyse(
    creative: Creative,
    media: MediaVersion,
    owner: User | None,
    urgency: str,
    *,
    fresh: bool = False,
) -> Job:
    """``fresh``: everything is done anew, whatever is known of these bytes (``twins``)."""
    params = {"creative": creative.pk, "media": media.pk, **({"fresh": True} if fresh else {})}
    job = lifecycle.create(stages.ANALYSE, params, owner, urgency)
    creative.current_media = media
    creative.name = media.original_name
    creative.job = job
    creative.state = Creative.State.QUEUED
    creative.error_code = ""
    creative.save(update_fields=["current_media", "name", "job", "state", "error_code"])
    return job


def remove_demonstration() -> int:
    """Deletes every demonstration creative with its files; returns how many there were."""
    rows = Creative.objects.filter(is_demo=True)
    count = rows.count()
    rows.delete()
    return count


def decide_again(owner: User | None) -> list[Job]:
    """Jobs that let the active model version judge the creatives that only others have judged.

    They begin at the last stage: what was heard is not heard again.
    """
    heard = Transcript.objects.filter(media=OuterRef("current_media"))
    read = ScreenReading.objects.filter(media=OuterRef("current_media"))
    judged = Prediction.objects.filter(
        creative=OuterRef("pk"), media=OuterRef("current_media"), model_version__is_active=True
    )
    with transaction.atomic():
        stale = list(
            Creative.objects.filter(
                Exists(heard) | Exists(read), ~Exists(judged), state=Creative.State.DONE
            )
        )
        with quota.lifted():  # one decision, however many creatives there are
            return _queue(stale, owner, lifecycle.create_at_last_stage)


def _queue(
    creatives: list[Creative], owner: User | None, create: Callable[..., list[Job]]
) -> list[Job]:
    """Jobs for the current media of these creatives, made by a function of ``lifecycle``."""
    jobs = create(
        stages.ANALYSE,
        [{"creative": creative.pk, "media": creative.current_media_id} for creative in creatives],
        owner,
    )
    for creative, job in zip(creatives, jobs, strict=True):
        creative.job = job
        creative.state = Creative.State.QUEUED
        creative.error_code = ""
    Creative.objects.bulk_update(creatives, ["job", "state", "error_code"], batch_size=200)
    return jobs


def analyse_again(creative: Creative, owner: User | None) -> Job:
    """A new job for the current media that does everything anew, whatever is known of it.

    An imported transcript, which has no file, is only judged again.
    Raises ``IntakeError`` if the creative has no media or is being worked on.
    """
    with transaction.atomic():
        creative = Creative.objects.select_for_update().get(pk=creative.pk)
        if creative.current_media is None:
            raise IntakeError(_("There is no file to analyse."))
        if creative.job and not creative.job.is_final:
            raise IntakeError(_("It is being analysed right now."))
        if not creative.current_media.file:
            [job] = _queue([creative], owner, lifecycle.create_at_last_stage)
            return job
        urgency = Job.Urgency.INTERACTIVE
        return _analyse(creative, creative.current_media, owner, urgency, fresh=True)


def analyse_missing(creatives: Collection[int], owner: User | None) -> None:
    """Makes jobs in the background for those of these creatives that no job is at.

    What was heard or read before is only judged again. Those without media are left out.
    """
    with transaction.atomic():
        idle = list(
            Creative.objects.select_for_update(of=("self",))
            .filter(pk__in=creatives, current_media__isnull=False)
            .exclude(job__state__in=(Job.State.QUEUED, Job.State.RUNNING))
            .order_by("pk")
        )
        known = set(
            MediaVersion.objects.filter(pk__in=[creative.current_media_id for creative in idle])
            .filter(Q(file="") | Q(transcripts__isnull=False) | Q(readings__isnull=False))
            .values_list("pk", flat=True)
        )
        decided = [one for one in idle if one.current_media_id in known]
        analysed = [one for one in idle if one.current_media_id not in known]
        _queue(decided, owner, lifecycle.create_at_last_stage)
        _queue(analysed, owner, lifecycle.create_many)

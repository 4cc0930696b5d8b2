"""The one way in: a file becomes a creative with a media version, a known one is recognised."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.base import File
from django.db import connection, transaction

from creativefilter.creatives import ids
from creativefilter.creatives.analysis import decision, jobs, stages
from creativefilter.creatives.intake.file_names import advertisement_id_of, display_name
from creativefilter.creatives.labels.imports import take_waiting
from creativefilter.creatives.models import Creative, MediaVersion, storage_name
from creativefilter.jobs import lifecycle
from creativefilter.jobs.models import Job
from creativefilter.site.codes import CodedError
from creativefilter.site.uploads import check_upload


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


def digest_of(file: File[bytes]) -> tuple[str, int]:
    """SHA-256 and size, read in chunks.

    Raises:
        CodedError: ``too_large`` for a file that has grown since its size was looked at,
            ``unreadable`` where reading fails.
    """
    digest = hashlib.sha256()
    size = 0
    try:
        for chunk in file.chunks():
            size += len(chunk)
            if size > settings.UPLOAD_MAX_BYTES:
                raise CodedError("too_large")
            digest.update(chunk)
        file.seek(0)
    except OSError as error:
        # Later on it may be our own disk: that is no refusal.
        raise CodedError("unreadable") from error
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
    """Store an upload and create its job; bytes that are known already are not stored again.

    Where the storage has lost the file of known bytes, the upload takes its place. The same
    Advertisement ID with other bytes is a new media version of the same creative, the old one is
    kept.

    Raises:
        CodedError: the file is refused.
        AlreadyIn: the bytes are the creative's current ones, unless ``again`` asks for a job all
            the same.
        QuotaExceeded: the owner has too many open jobs.
    """
    check_upload(file)
    name = display_name(name)
    advertisement_id = ids.normal_or_given(advertisement_id or "") or advertisement_id_of(name)
    sha256, size = digest_of(file)
    here = _known(advertisement_id, sha256)
    whole = here is not None and _is_stored(here.current_media)
    if here and whole and not again:
        raise AlreadyIn(here)
    media = MediaVersion(original_name=name, sha256=sha256, size=size)
    storage = media.file.storage
    # Before the transaction: the copy may take long, and writers wait for one another.
    stored = "" if whole else storage.save(storage_name(media, name), file)
    try:
        with transaction.atomic():
            _one_at_a_time(sha256)
            creative = _creative(advertisement_id, sha256, name, owner, is_demo)
            known = creative.media.filter(sha256=sha256).first()
            in_need = known is None or (bool(stored) and not _is_stored(known))
            if known:
                media = known
                if in_need:
                    media.file.name = stored
                    media.save(update_fields=["file"])
            else:
                media.creative = creative
                stored = stored or storage.save(storage_name(media, name), file)
                media.file.name = stored
                media.save()
            job = _answered(creative, media, owner) if known else None
            job = job or (_under_way(creative, media, owner) if known else None)
            if job is None:
                job = jobs.analyse(creative, media, owner, urgency)
    except BaseException:
        if stored:
            storage.delete(stored)
        raise
    if stored and not in_need:
        storage.delete(stored)
    return Received(creative, media, job, known is not None)


def _known(advertisement_id: str | None, sha256: str) -> Creative | None:
    """The creative whose current bytes these are already."""
    same = Creative.objects.filter(current_media__sha256=sha256, is_demo=False)
    if advertisement_id:
        same = same.filter(advertisement_id=advertisement_id)
    return same.order_by("pk").first()


def _is_stored(media: MediaVersion | None) -> bool:
    """Whether the storage still has its file."""
    return bool(media and media.file and media.file.storage.exists(str(media.file.name)))


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

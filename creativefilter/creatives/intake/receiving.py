"""Intake of one file: a new creative or media version with its job, or a known one."""

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


class AlreadyReceived(Exception):  # noqa: N818 (nothing went wrong)
    """These bytes are the current media of ``creative`` already."""

    def __init__(self, creative: Creative) -> None:
        super().__init__(creative.pk)
        self.creative = creative


@dataclass(frozen=True, slots=True)
class Received:
    """Result of an upload. ``job`` analyses it, or is done if the bytes were predicted before.

    ``known`` is True if the creative had these bytes already.
    """

    creative: Creative
    media: MediaVersion
    job: Job
    known: bool


def digest_of(file: File[bytes]) -> tuple[str, int]:
    """Return the SHA-256 (hexadecimal) and the size in bytes of a file, read in chunks.

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
        # Only here: an OSError later on may come from our own disk, which is no refusal.
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
    Advertisement ID with other bytes is a new media version of the same creative; the old one
    stays.

    Args:
        file: the upload.
        name: its name at the client.
        owner: who uploaded it; None for commands and the watched folder.
        advertisement_id: else the number in the file's name counts.
        urgency: lane of the job.
        is_demo: whether a new creative is a demonstration creative.
        again: whether the current bytes of a creative may be sent again.

    Raises:
        CodedError: the file is refused.
        AlreadyReceived: the bytes are a creative's current ones and ``again`` is False.
        QuotaExceeded: the owner has too many open jobs.
    """
    check_upload(file)
    name = display_name(name)
    advertisement_id = ids.normal_or_given(advertisement_id or "") or advertisement_id_of(name)
    sha256, size = digest_of(file)
    here = _known(advertisement_id, sha256)
    whole = here is not None and _is_stored(here.current_media)
    if here and whole and not again:
        raise AlreadyReceived(here)
    media = MediaVersion(original_name=name, sha256=sha256, size=size)
    storage = media.file.storage
    # Before the transaction: copying may take long, and transactions that write block others.
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
    """Return the creative (with this ID, if given) whose current media has these bytes."""
    same = Creative.objects.filter(current_media__sha256=sha256, is_demo=False)
    if advertisement_id:
        same = same.filter(advertisement_id=advertisement_id)
    return same.order_by("pk").first()


def _is_stored(media: MediaVersion | None) -> bool:
    """Whether the storage still has the file of a media version."""
    return bool(media and media.file and media.file.storage.exists(str(media.file.name)))


def _one_at_a_time(sha256: str) -> None:
    """Serialise uploads of the same bytes until the transaction ends.

    An advisory lock, because no row exists yet that could be locked. SQLite has one writer anyway.
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
    """Find the creative of an upload by its ID, else by its bytes; else create one."""
    fresh = {"name": name, "created_by": owner, "is_demo": is_demo}
    if advertisement_id:
        creative, created = Creative.objects.get_or_create(
            advertisement_id=advertisement_id, defaults=fresh
        )
        if created:
            take_waiting([creative])
        if creative.is_demo and not is_demo:
            # A user's creative now: removing the demonstration must not delete it.
            creative.is_demo = False
            creative.save(update_fields=["is_demo"])
        return creative
    same = Creative.objects.filter(media__sha256=sha256, is_demo=is_demo).order_by("pk").first()
    return same or Creative.objects.create(**fresh)


def _answered(creative: Creative, media: MediaVersion, owner: User | None) -> Job | None:
    """Create a job that is done, if the active model version has a prediction for these bytes."""
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
    """Return the owner's open job for these bytes, so that no second one is created."""
    job = creative.job
    mine = job and not job.is_final and job.owner_id == (owner.pk if owner else None)
    return job if mine and creative.current_media_id == media.pk else None

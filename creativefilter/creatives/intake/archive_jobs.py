"""The job that unpacks an archive of creatives; each file in it then goes through intake."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.template.defaultfilters import filesizeformat
from django.utils.translation import get_language, gettext_noop, override

from creativefilter.creatives.intake import archives
from creativefilter.creatives.intake.file_names import display_name
from creativefilter.creatives.intake.many_files import Tally, result_text, take
from creativefilter.jobs import lifecycle, stage_runner
from creativefilter.jobs.kinds import Continued, JobError, Kind, Save, Stage, register
from creativefilter.jobs.models import Job
from creativefilter.site import lanes
from creativefilter.site.codes import CodedError
from creativefilter.site.uploads import check_upload

# The limit for all files of an archive together, in multiples of UPLOAD_MAX_BYTES.
TOTAL = 10
# Folder in the storage for uploaded archives.
FOLDER = "archives"


def start(file: File[bytes], name: str, owner: User | None, ids: Mapping[str, str]) -> Job:
    """Store an archive and create the job that unpacks it.

    Args:
        file: the zip archive.
        name: its name at the client; shown to people only.
        owner: who uploaded the archive.
        ids: Advertisement IDs by file name, as ``id_tables.read`` returns them.

    Raises:
        CodedError: the archive is refused: damaged, empty, or too large when unpacked.
        QuotaExceeded: the owner has too many open jobs.
    """
    check_upload(file)
    with archives.opened(file) as archive:
        declared = sum(info.file_size for info in archives.members(archive))
    if declared > TOTAL * settings.UPLOAD_MAX_BYTES:
        limit = filesizeformat(TOTAL * settings.UPLOAD_MAX_BYTES)
        raise CodedError("archive_too_large", size=filesizeformat(declared), limit=limit)
    file.seek(0)
    stored = default_storage.save(f"{FOLDER}/{uuid.uuid4().hex}.zip", file)
    params = {
        "archive": stored,
        "name": display_name(name),
        "ids": dict(ids),
        "language": get_language() or "ru",
    }
    try:
        return lifecycle.create(UNPACK, params, owner, Job.Urgency.BATCH)
    except BaseException:
        default_storage.delete(stored)
        raise


def unpack(job: Job) -> Save:
    """Take in the members of an archive one by one, for one turn of the queue.

    Members that a lost attempt took in already are recognised by their bytes.

    Raises:
        Continued: the turn is over and members are left.
        JobError: ``archive_gone``, ``bad_archive``, or ``stopped`` where the claim was lost.
    """
    tally, done, left = _progress_of(job)
    turn_ends = time.monotonic() + lanes.TURN_SECONDS
    try:
        packed = default_storage.open(job.params["archive"], "rb")
    except FileNotFoundError as error:
        raise JobError("archive_gone") from error
    with override(job.params["language"]), packed:
        try:
            with archives.opened(packed) as archive:
                files = archives.members(archive)
                for number, info in enumerate(files[done:], done + 1):
                    left -= _take_member(archive, info, tally, left, job)
                    percent = min(99, 100 * number // len(files))
                    if not stage_runner.write_progress(job, percent):
                        raise JobError("stopped")
                    if number < len(files) and time.monotonic() > turn_ends:
                        so_far = {"tally": tally.as_result(), "done": number, "left": left}
                        raise Continued(percent, {**job.params, **so_far})
        except CodedError as error:
            raise JobError("bad_archive", str(error)) from error

    def save() -> dict[str, Any]:
        transaction.on_commit(lambda: default_storage.delete(job.params["archive"]), robust=True)
        return tally.as_result()

    return save


def _progress_of(job: Job) -> tuple[Tally, int, int]:
    """Return the results of earlier turns: the tally, members done, bytes still allowed."""
    if "tally" not in job.params:
        return Tally(), 0, TOTAL * settings.UPLOAD_MAX_BYTES
    return Tally.of(job.params["tally"]), job.params["done"], job.params["left"]


def _take_member(archive: Any, info: Any, tally: Tally, left: int, job: Job) -> int:
    """Take in one member; return the number of bytes unpacked, 0 if it can't be unpacked."""
    name = archives.name_of(info)
    try:
        with archives.extracted(archive, info, min(left, settings.UPLOAD_MAX_BYTES)) as file:
            take(file, name, tally, owner=job.owner, ids=job.params["ids"])
            return file.size
    except CodedError as error:
        tally.refuse(name, error)
        return 0


def remove_files(job: Job) -> None:
    """Delete the archive together with its job: until then a failed job can be retried."""
    default_storage.delete(job.params["archive"])


def on_failed(job: Job) -> None:
    """Delete a file that is no readable archive: a retry could not succeed either."""
    if job.error_code == "bad_archive":
        transaction.on_commit(lambda: remove_files(job), robust=True)


UNPACK = register(
    Kind(
        gettext_noop("unpack"),
        (Stage(gettext_noop("unpacking"), "cpu", unpack),),
        on_failed,
        remove_files=remove_files,
        result_text=result_text,
    )
)

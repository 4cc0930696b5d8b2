"""Imports as jobs: a file is taken in, looked at, imported or given up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.base import File
from django.db import transaction
from django.utils.translation import gettext_noop

from creativefilter import sheets
from creativefilter.accounts.audit import Action, record
from creativefilter.creatives.intake.file_names import display_name
from creativefilter.jobs import lifecycle
from creativefilter.jobs.kinds import JobError, Kind, Save, Stage, Subject, register
from creativefilter.jobs.models import Job
from creativefilter.jobs.progress import Progress
from creativefilter.sheets import SheetError
from creativefilter.site import lanes
from creativefilter.site.codes import CodedError, sentence
from creativefilter.site.files import on_disk
from creativefilter.site.uploads import check_upload
from creativefilter.spend.imports import importer, merging, staging
from creativefilter.spend.imports.errors import SpendFileError
from creativefilter.spend.imports.importer import Prepared
from creativefilter.spend.models import SpendImport

State = SpendImport.State
# Reading is so much of the work; the rest is one transaction that shows nothing of itself.
READING_PERCENT = 80


def receive(file: File[bytes], name: str, owner: User | None) -> SpendImport:
    """Store an upload. Raises ``CodedError`` for an empty or too large one."""
    check_upload(file)
    spend_import = SpendImport(name=display_name(name), owner=owner)
    # Before there is a row: the copy may take long, and writers wait for one another.
    spend_import.file.save(name, file, save=False)
    spend_import.save()
    return spend_import


def receive_and_start(file: File[bytes], name: str, owner: User | None, **how: Any) -> SpendImport:
    """``receive`` and ``start``; an upload for which there can be no job is not kept."""
    spend_import = receive(file, name, owner)
    try:
        start(spend_import, owner, **how)
    except BaseException:
        spend_import.delete()
        raise
    return spend_import


def start(
    spend_import: SpendImport,
    owner: User | None,
    *,
    dry_run: bool = False,
    mode: str = "",
    strict: bool = False,
) -> Job:
    """A job that looks at the file (``dry_run``) or imports it.

    Raises ``SpendFileError`` if a job is at it, or if it was imported already.
    """
    with transaction.atomic():
        row = SpendImport.objects.select_for_update().get(pk=spend_import.pk)
        if row.state in (State.IMPORTED, State.REPLACED):
            raise SpendFileError("spend_imported")
        if row.job and not row.job.is_final:
            raise SpendFileError("spend_busy")
        params = {"spend_import": row.pk, "dry_run": dry_run, "mode": mode, "strict": strict}
        # A look at a small file takes seconds; whatever writes waits for other writers.
        urgency = lanes.of_bytes(_size(row)) if dry_run else Job.Urgency.LONG
        job = lifecycle.create(SPEND_IMPORT, params, owner, urgency)
        spend_import.job = row.job = job
        spend_import.error_code = row.error_code = ""
        row.save(update_fields=["job", "error_code"])
        if not dry_run:
            record(Action.SPEND_IMPORTED, row, mode=mode, strict=strict)
    return job


def _size(spend_import: SpendImport) -> int:
    """Bytes of its file; 0 where it is gone, which the job will say."""
    try:
        return spend_import.file.size
    except (ValueError, FileNotFoundError):
        return 0


def cancel(spend_import: SpendImport) -> bool:
    """Stops the job of an import. False if it had ended: what is imported stays."""
    return spend_import.job is not None and lifecycle.cancel(spend_import.job)


def run(job: Job) -> Save:
    """Reads and stages the file of an import; merges it, unless it only had to be looked at."""
    spend_import = SpendImport.objects.filter(pk=job.params["spend_import"]).first()
    if spend_import is None:
        raise JobError("spend_deleted")
    if spend_import.job_id != job.pk:
        # An old attempt that somebody retried: what came after it must not be undone.
        raise JobError("spend_superseded")
    mode, strict, dry_run = (job.params[name] for name in ("mode", "strict", "dry_run"))
    try:
        with _file_of(spend_import) as path, sheets.opened(path) as document:
            if not dry_run and (before := importer.known(document.digest)):
                return lambda: _known(spend_import, before)
            progress = Progress(job, "spend_cancelled", end=READING_PERCENT)
            prepared = importer.prepare(document, progress=progress.update)
    except CodedError as error:
        raise _job_error(error) from error
    if dry_run:
        return lambda: _checked(spend_import, prepared)
    if refusal := importer.refusal(prepared, mode=mode, strict=strict):
        _note_refused(job, spend_import, prepared)
        raise _job_error(refusal)

    def save() -> dict[str, Any]:
        staging.require()
        try:
            report = importer.merge(prepared, spend_import, mode=mode, strict=strict)
        except SpendFileError as error:  # another import was quicker
            raise _job_error(error) from error
        return _summary(spend_import, report.as_json())

    return save


@contextmanager
def _file_of(spend_import: SpendImport) -> Iterator[Path]:
    try:
        with on_disk(spend_import.file, settings.UPLOAD_MAX_BYTES) as path:
            yield path
    except FileNotFoundError as error:
        raise SheetError("table_no_file") from error


def _note_refused(job: Job, spend_import: SpendImport, prepared: Prepared) -> None:
    """What was found is kept although the job fails; a worker that comes late keeps nothing."""
    with transaction.atomic():
        # Writes on the job's row, too: nobody takes the claim over before this is committed.
        if lifecycle.progressed(job, READING_PERCENT):
            _checked(spend_import, prepared)


def _known(spend_import: SpendImport, before: SpendImport) -> dict[str, Any]:
    report = {**before.report, "known_import": before.pk}
    spend_import.state, spend_import.digest = State.KNOWN, before.digest
    spend_import.header, spend_import.report = before.header, report
    spend_import.save()
    return _summary(spend_import, report)


def _checked(spend_import: SpendImport, prepared: Prepared) -> dict[str, Any]:
    """The outcome of a look at the file; its bad rows can be downloaded from then on."""
    staging.require()
    importer.note(spend_import, prepared)
    spend_import.state = State.CHECKED
    spend_import.save()
    merging.insert_bad_rows(spend_import)
    return _summary(spend_import, prepared.report.as_json())


def _summary(spend_import: SpendImport, report: dict[str, Any]) -> dict[str, Any]:
    """The job's result; all that was found is in the report of the import."""
    names = ("rows", "bad_rows", "amount", "known_import")
    return {"state": spend_import.state, **{name: report[name] for name in names}}


def _job_error(error: CodedError) -> JobError:
    return JobError(error.code, json.dumps(error.params))


def on_cancelled(job: Job) -> None:
    SpendImport.objects.filter(job=job).update(state=State.CANCELLED)


def on_retried(job: Job) -> None:
    SpendImport.objects.filter(job=job).update(state=State.UPLOADED, error_code="")


def _params(job: Job) -> dict[str, Any]:
    """What fills the gaps of the sentence on a failure."""
    try:
        return dict(json.loads(job.error_detail))
    except (ValueError, TypeError):
        return {}


def on_failed(job: Job) -> None:
    """The import says why."""
    SpendImport.objects.filter(job=job).update(
        state=State.FAILED, error_code=job.error_code, error_params=_params(job)
    )


SPEND_IMPORT = register(
    Kind(
        gettext_noop("spend_import"),
        (Stage(gettext_noop("importing"), "cpu", run),),
        on_failed,
        on_cancelled,
        on_retried,
        explain=lambda job: sentence(job.error_code, _params(job)),
        subject=Subject("spend.SpendImport", "spend_import"),
    )
)

"""The job that checks or imports a spend table: receive, start, cancel, run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
from creativefilter.jobs import lifecycle, stage_runner
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
# Progress of a job, in per cent, after its file has been read. What follows is one transaction,
# which reports no progress.
READING_PERCENT = 80


def receive(file: File[bytes], name: str, owner: User | None) -> SpendImport:
    """Store an uploaded file and create its import.

    Args:
        file: The upload.
        name: File name as the client sent it.
        owner: The user who uploaded the file.

    Raises:
        CodedError: The file is empty or too large.
    """
    check_upload(file)
    spend_import = SpendImport(name=display_name(name), owner=owner)
    # Store the file before any row is written: the copy may take long and must not block writers.
    spend_import.file.save(name, file, save=False)
    spend_import.save()
    return spend_import


def receive_and_start(file: File[bytes], name: str, owner: User | None, **how: Any) -> SpendImport:
    """Store an upload and start its job; delete the upload if the job can't be started.

    Args:
        file: The upload.
        name: File name as the client sent it.
        owner: The user who uploaded the file.
        how: Options of ``start``.

    Raises:
        CodedError: The file is empty or too large.
        QuotaExceeded: The owner has too many open jobs.
    """
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
    """Create a job that checks or imports the file of an import.

    Args:
        spend_import: The import.
        owner: The user who starts the job.
        dry_run: Only check the file.
        mode: Whether the months that have spend are added to or replaced, a ``SpendImport.Mode``;
            "" if nothing was chosen.
        strict: Whether a single bad row refuses the file.

    Raises:
        SpendFileError: This import was carried out already, or its job has not ended.
        QuotaExceeded: The owner has too many open jobs.
    """
    with transaction.atomic():
        row = SpendImport.objects.select_for_update().get(pk=spend_import.pk)
        if row.state in (State.IMPORTED, State.REPLACED):
            raise SpendFileError("spend_imported")
        if row.job and not row.job.is_final:
            raise SpendFileError("spend_busy")
        if row.state in (State.FAILED, State.CANCELLED):
            spend_import.state = row.state = State.UPLOADED
        params = {"spend_import": row.pk, "dry_run": dry_run, "mode": mode, "strict": strict}
        # Checking a small file takes seconds; an import may have to wait for other writers.
        urgency = lanes.of_bytes(_size(row)) if dry_run else Job.Urgency.LONG
        job = lifecycle.create(SPEND_IMPORT, params, owner, urgency)
        spend_import.job = row.job = job
        spend_import.error_code = row.error_code = ""
        row.save(update_fields=["job", "error_code", "state"])
        if not dry_run:
            record(Action.SPEND_IMPORTED, row, mode=mode, strict=strict)
    return job


def _size(spend_import: SpendImport) -> int:
    """Return the size of the file in bytes; 0 if it is missing, which the job will report."""
    try:
        return spend_import.file.size
    except (ValueError, FileNotFoundError):
        return 0


def cancel(spend_import: SpendImport) -> bool:
    """Cancel the job of an import. Return False if there is none, or if it had already ended."""
    return spend_import.job is not None and lifecycle.cancel(spend_import.job)


def run(job: Job) -> Save:
    """Read and stage the file of an import; saving merges its rows, unless it is a dry run.

    Raises:
        JobError: The import was deleted or has a newer job, its file can't be imported, or the job
            was cancelled or taken over by another worker.
        Unavailable: The connection with the staged rows was closed.
    """
    spend_import = SpendImport.objects.filter(pk=job.params["spend_import"]).first()
    if spend_import is None:
        raise JobError("spend_deleted")
    if spend_import.job_id != job.pk:
        # Somebody retried an old job of this import; a newer one must not be undone.
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
        except SpendFileError as error:  # another import of these months committed first
            raise _job_error(error) from error
        return _summary(spend_import, report.as_json())

    return save


@contextmanager
def _file_of(spend_import: SpendImport) -> Iterator[Path]:
    if not spend_import.file:
        raise SheetError("table_no_file")
    with ExitStack() as stack:
        try:
            path = stack.enter_context(on_disk(spend_import.file, settings.UPLOAD_MAX_BYTES))
        except FileNotFoundError as error:
            raise SheetError("table_no_file") from error
        yield path


def _note_refused(job: Job, spend_import: SpendImport, prepared: Prepared) -> None:
    """Save the report of a refused file if the worker still holds the claim."""
    with transaction.atomic():
        # ``write_progress`` updates the job's row: the claim can't change hands before the commit.
        if stage_runner.write_progress(job, READING_PERCENT):
            _checked(spend_import, prepared)


def _known(spend_import: SpendImport, before: SpendImport) -> dict[str, Any]:
    report = {**before.report, "known_import": before.pk}
    for name in ("digest", "header", "rows", "bad_rows", "amount"):
        setattr(spend_import, name, getattr(before, name))
    spend_import.state, spend_import.report = State.KNOWN, report
    spend_import.save()
    return _summary(spend_import, report)


def _checked(spend_import: SpendImport, prepared: Prepared) -> dict[str, Any]:
    """Save the outcome of a check, with the bad rows; return the job's result."""
    staging.require()
    importer.copy_report(spend_import, prepared)
    spend_import.state = State.CHECKED
    spend_import.save()
    merging.insert_bad_rows(spend_import)
    return _summary(spend_import, prepared.report.as_json())


def _summary(spend_import: SpendImport, report: dict[str, Any]) -> dict[str, Any]:
    """Return the job's result; the import's report has all the details."""
    names = ("rows", "bad_rows", "amount", "known_import")
    return {"state": spend_import.state, **{name: report[name] for name in names}}


def _job_error(error: CodedError) -> JobError:
    return JobError(error.code, json.dumps(error.params))


def on_cancelled(job: Job) -> None:
    """Set the import's state."""
    SpendImport.objects.filter(job=job).update(state=State.CANCELLED)


def on_retried(job: Job) -> None:
    """Reset the import's state and error."""
    SpendImport.objects.filter(job=job).update(state=State.UPLOADED, error_code="")


def _params(job: Job) -> dict[str, Any]:
    """Return the parameters of the sentence that explains a failure."""
    try:
        return dict(json.loads(job.error_detail))
    except (ValueError, TypeError):
        return {}


def on_failed(job: Job) -> None:
    """Copy the job's error to the import."""
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

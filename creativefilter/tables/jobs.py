"""The job that classifies a table: read it, wait for its creatives, write the answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, replace
from typing import IO, Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.base import File
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from creativefilter import sheets
from creativefilter.creatives import ids
from creativefilter.creatives.intake.file_names import display_name
from creativefilter.jobs import lifecycle
from creativefilter.jobs.kinds import (
    JobError,
    Kind,
    NotYet,
    Save,
    Stage,
    Subject,
    nothing,
    register,
)
from creativefilter.jobs.models import Job
from creativefilter.jobs.progress import Progress
from creativefilter.sheets import Broken, SheetError, rewrite
from creativefilter.sheets.rewrite import Key, Plan, Value
from creativefilter.site import lanes
from creativefilter.site.codes import sentence
from creativefilter.site.files import on_disk
from creativefilter.site.uploads import check_upload
from creativefilter.tables import awaited_creatives
from creativefilter.tables.answers import ADDED, Answers, Counts
from creativefilter.tables.models import Table


def receive(file: File[bytes], name: str, owner: User | None, language: str = "") -> Table:
    """Store an uploaded table and create its job. Remove tables older than ``TABLES_KEPT``.

    Args:
        file: the upload.
        name: the client's file name.
        owner: owner of the table and of the job.
        language: language of the answers; "" writes codes for programs.

    Raises:
        CodedError: the file is empty, too large or no table, or its format can't be filled in.
        QuotaExceeded: the owner has too many open jobs.
    """
    check(file)
    remove_old()
    table = Table(name=display_name(name), owner=owner, language=language)
    # Copy the file outside of the transaction: it may take long, and SQLite has one writer at a
    # time.
    table.file.save(name, file, save=False)
    try:
        with transaction.atomic():
            params, urgency = {"table": str(table.pk)}, lanes.of_bytes(file.size)
            table.job = lifecycle.create(PREDICT_TABLE, params, owner, urgency)
            table.save()
    except BaseException:
        table.file.storage.delete(str(table.file.name))
        raise
    return table


def check(file: File[bytes]) -> None:
    """Check that a file is a table that can be filled in, without reading its rows.

    Raises:
        CodedError: the file is empty or too large.
        SheetError: the file is no table, or its format can't be filled in (a ``CodedError``).
    """
    check_upload(file)
    kind = sheets.check(file).kind
    if kind not in rewrite.KINDS:
        raise SheetError("table_kind", kind=kind.upper())
    file.seek(0)


def remove_old() -> None:
    """Examine the 100 oldest tables; delete those older than ``TABLES_KEPT`` without open job."""
    old = Table.objects.filter(created_at__lt=timezone.now() - settings.TABLES_KEPT)
    for table in old.order_by("created_at").select_related("job")[:100]:
        if table.job is None or table.job.is_final:
            table.delete()


def cancel(table: Table) -> bool:
    """Cancel the job of a table. Analyses of its creatives go on.

    Returns:
        False if the table has no job, or its job had already ended.
    """
    return table.job is not None and lifecycle.cancel(table.job)


def remove(table: Table) -> None:
    """Cancel the job of a table, and delete the table with its files."""
    cancel(table)
    table.delete()


def _table_of(job: Job) -> Table:
    table = Table.objects.filter(pk=job.params["table"]).first()
    if table is None:
        raise JobError("table_deleted")
    return table


def read(job: Job) -> Save:
    """Stage ``reading_table``: find the IDs and the creatives that have no segment yet.

    Saving starts the analysis of these creatives and stores the layout of the table.

    Raises:
        JobError: the table was deleted, its file can't be read, or the job was cancelled.
    """
    table = _table_of(job)
    unclassified: set[int] = set()
    progress = _progress(job)

    changed = ids.Changed()

    def report_keys(keys: list[Key], done: float) -> None:
        unclassified.update(awaited_creatives.unclassified(_ids_of(keys, changed)))
        progress.update(done)

    with _opened(table) as file, _job_errors():
        plan = rewrite.plan(file, ADDED, report_keys)
    plan = replace(plan, findings=(*plan.findings, *changed.findings()))

    def save() -> None:
        awaited_creatives.start_analysis(table, sorted(unclassified), job.owner)
        Table.objects.filter(pk=table.pk).update(layout=plan.as_json())

    return save


def _ids_of(keys: Iterable[Key], changed: ids.Changed) -> Iterator[str]:
    for key in keys:
        if not isinstance(key, Broken):
            with suppress(ids.IdError):
                yield changed.note(ids.read(key))


def wait(job: Job) -> Save:
    """Stage ``classifying``: wait until the creatives of the table are analysed.

    Raises:
        NotYet: some creatives have open jobs; the next sweep runs the stage again.
        JobError: the table was deleted.
    """
    table = _table_of(job)
    if left := awaited_creatives.count_unfinished(table):
        begin, end = (PREDICT_TABLE.percent(stage) for stage in ("classifying", "writing"))
        share = 1 - left / max(left, table.awaited.count())
        raise NotYet(round(begin + share * (end - begin)))
    return lambda: None


def write(job: Job) -> Save:
    """Stage ``writing``: write the table with its answers.

    The file is stored only if the claim still holds.

    Raises:
        JobError: the table was deleted, its file can't be read, or the job was cancelled.
    """
    table = _table_of(job)
    answers, counts = Answers(table.language), Counts()
    progress = _progress(job)

    def answer(keys: list[Key], done: float) -> list[Sequence[Value]]:
        progress.update(done)
        return [each.cells() for each in counts.add(answers.of(keys))]

    # The storage moves a temporary upload instead of copying it; one that is not used is deleted.
    target = TemporaryUploadedFile(table.result_name, None, 0, None)
    stream: Any = target.file
    with _opened(table) as file, _job_errors():
        rewrite.write(file, _plan_of(table, file), stream, answer)
    stream.flush()
    target.size = stream.tell()

    def save() -> dict[str, Any]:
        table.counts = {**asdict(counts), "classified": table.awaited.count()}
        if not target.closed:  # closed if "save" is repeated
            table.result.save(table.result_name, target, save=False)
            target.close()
        table.save(update_fields=["counts", "result"])
        return {"table": str(table.pk), **table.counts}

    return save


def _plan_of(table: Table, file: IO[bytes]) -> Plan:
    if "titles" in table.layout:
        return Plan.of(table.layout)
    # An older release read the table and stored another kind of layout.
    return rewrite.plan(file, ADDED, lambda keys, done: None)


@contextmanager
def _job_errors() -> Iterator[None]:
    try:
        yield
    except SheetError as error:
        raise JobError(error.code, json.dumps(error.params)) from error


def explain(job: Job) -> str:
    """Return the sentence about why a table failed, with its details."""
    try:
        params = dict(json.loads(job.error_detail))
    except (ValueError, TypeError):
        params = {}
    return sentence(job.error_code, params)


@contextmanager
def _opened(table: Table) -> Iterator[IO[bytes]]:
    with ExitStack() as stack:
        try:
            # A table is read several times, so one from a bucket is copied first.
            path = stack.enter_context(on_disk(table.file, settings.UPLOAD_MAX_BYTES))
            file = stack.enter_context(path.open("rb"))
        except FileNotFoundError as error:
            raise JobError("table_deleted") from error
        yield file


def _progress(job: Job) -> Progress:
    next_stage = PREDICT_TABLE.after(job.stage)
    begin = PREDICT_TABLE.percent(job.stage)
    end = PREDICT_TABLE.percent(next_stage.name) if next_stage else 99
    return Progress(job, "table_deleted", begin=begin, end=end)


PREDICT_TABLE = register(
    Kind(
        gettext_noop("predict_table"),
        (
            Stage(gettext_noop("reading_table"), "cpu", read),
            Stage(gettext_noop("classifying"), "cpu", wait),
            Stage(gettext_noop("writing"), "cpu", write),
        ),
        nothing,
        explain=explain,
        subject=Subject("tables.Table", "table"),
    )
)

"""Tables as jobs: taken in, read, waited for, written."""

from __future__ import annotations

from dataclasses import asdict
from typing import IO, Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.base import File
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

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
from creativefilter.site.uploads import check_upload
from creativefilter.tables import archives, awaited_creatives, csv_files, workbooks
from creativefilter.tables.answers import Answer, Answers, Counts
from creativefilter.tables.errors import TableFileError
from creativefilter.tables.layout import Layout
from creativefilter.tables.models import Table

_OLD_EXCEL = b"\xd0\xcf\x11\xe0"


def receive(file: File[bytes], name: str, owner: User | None, language: str = "") -> Table:
    """Keeps an upload and makes its job; what is no table is refused at once.

    ``language`` is that of the words in the answer, "" the codes of programs. Raises
    ``CodedError``. Tables that are older than ``TABLES_KEPT`` are removed on the way.
    """
    _check(file)
    remove_old()
    table = Table(name=display_name(name), owner=owner, language=language)
    # Before there is a row: the copy may take long, and writers wait for one another.
    table.file.save(name, file, save=False)
    try:
        with transaction.atomic():
            table.job = lifecycle.create(PREDICT_TABLE, {"table": str(table.pk)}, owner)
            table.save()
    except BaseException:
        table.file.storage.delete(str(table.file.name))
        raise
    return table


def _check(file: File[bytes]) -> None:
    check_upload(file)
    file.seek(0)
    head = file.read(4)
    if head == _OLD_EXCEL:
        raise TableFileError("table_old_excel")
    if _is_archive(head):
        with archives.opened(file):
            pass
    file.seek(0)


def _is_archive(head: bytes) -> bool:
    return head[:2] == b"PK"


def remove_old() -> None:
    """Removes tables that were kept long enough, some at a time."""
    old = Table.objects.filter(created_at__lt=timezone.now() - settings.TABLES_KEPT)
    for table in old.select_related("job")[:100]:
        if table.job is None or table.job.is_final:
            table.delete()


def cancel(table: Table) -> bool:
    """Stops the job of a table; creatives that are being analysed for it go on. False if it had
    ended."""
    return table.job is not None and lifecycle.cancel(table.job)


def remove(table: Table) -> None:
    """Stops what is going on with a table and deletes it with its files."""
    cancel(table)
    table.delete()


def _table_of(job: Job) -> Table:
    table = Table.objects.filter(pk=job.params["table"]).first()
    if table is None:
        raise JobError("table_deleted")
    return table


def read(job: Job) -> Save:
    """Finds the IDs, and the creatives behind them that nobody has judged."""
    table = _table_of(job)
    missing: set[int] = set()
    progress = _progress(job)

    def seen(cells: list[str], done: float) -> None:
        missing.update(awaited_creatives.missing(cells))
        progress.update(done)

    with _opened(table) as file:
        module = workbooks if _is_archive(file.read(4)) else csv_files
        try:
            layout = module.survey(file, seen)
        except TableFileError as error:
            raise JobError(error.code) from error

    def save() -> None:
        awaited_creatives.begin(table, sorted(missing), job.owner)
        Table.objects.filter(pk=table.pk).update(layout=layout.as_json())

    return save


def wait(job: Job) -> Save:
    """Comes back with every sweep until the creatives of the table are analysed."""
    table = _table_of(job)
    if left := awaited_creatives.at_work(table):
        begin, end = (PREDICT_TABLE.percent(stage) for stage in ("classifying", "writing"))
        share = 1 - left / max(left, table.awaited.count())
        raise NotYet(round(begin + share * (end - begin)))
    return lambda: None


def write(job: Job) -> Save:
    """Writes the table with its answers; only the last claim's file is kept."""
    table = _table_of(job)
    layout, answers, counts = Layout.of(table.layout), Answers(table.language), Counts()
    progress = _progress(job)

    def answer(cells: list[str], done: float) -> list[Answer]:
        progress.update(done)
        return list(counts.add(answers.of(cells)))

    # It is moved to its place, not copied; and gone if nobody wants it.
    target = TemporaryUploadedFile(table.result_name, None, 0, None)
    stream: Any = target.file
    module: Any = workbooks if layout.kind == "xlsx" else csv_files
    with _opened(table) as file:
        try:
            module.rewrite(file, layout, stream, answer)
        except TableFileError as error:
            raise JobError(error.code) from error
    stream.flush()
    target.size = stream.tell()

    def save() -> dict[str, Any]:
        table.counts = {**asdict(counts), "classified": table.awaited.count()}
        table.result.save(table.result_name, target, save=False)
        target.close()
        table.save(update_fields=["counts", "result"])
        return {"table": str(table.pk), **table.counts}

    return save


def _opened(table: Table) -> IO[bytes]:
    try:
        return table.file.storage.open(str(table.file.name), "rb")
    except FileNotFoundError as error:
        raise JobError("table_deleted") from error


def _progress(job: Job) -> Progress:
    following = PREDICT_TABLE.after(job.stage)
    begin = PREDICT_TABLE.percent(job.stage)
    end = PREDICT_TABLE.percent(following.name) if following else 99
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
        subject=Subject("tables.Table", "table"),
    )
)

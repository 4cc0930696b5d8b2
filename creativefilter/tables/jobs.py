"""Tables as jobs: taken in, read, waited for, written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
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
from creativefilter.site.uploads import check_upload
from creativefilter.tables import awaited_creatives
from creativefilter.tables.answers import ADDED, Answers, Counts
from creativefilter.tables.models import Table


def receive(file: File[bytes], name: str, owner: User | None, language: str = "") -> Table:
    """Keeps an upload and makes its job; what is no table is refused at once.

    ``language`` is that of the words in the answer, "" the codes of programs. Raises
    ``CodedError``. Tables that are older than ``TABLES_KEPT`` are removed on the way.
    """
    check(file)
    remove_old()
    table = Table(name=display_name(name), owner=owner, language=language)
    # Before there is a row: the copy may take long, and writers wait for one another.
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
    """Refuse what can be seen to be no table, or none that is filled in. Raises ``CodedError``."""
    check_upload(file)
    kind = sheets.check(file).kind
    if kind not in rewrite.KINDS:
        raise SheetError("table_kind", kind=kind.upper())
    file.seek(0)


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

    changed = ids.Changed()

    def seen(keys: list[Key], done: float) -> None:
        missing.update(awaited_creatives.missing(_ids_of(keys, changed)))
        progress.update(done)

    with _opened(table) as file, _job_errors():
        plan = rewrite.plan(file, ADDED, seen)
    plan = replace(plan, findings=(*plan.findings, *changed.findings()))

    def save() -> None:
        awaited_creatives.begin(table, sorted(missing), job.owner)
        Table.objects.filter(pk=table.pk).update(layout=plan.as_json())

    return save


def _ids_of(keys: Iterable[Key], changed: ids.Changed) -> Iterator[str]:
    for key in keys:
        if not isinstance(key, Broken):
            with suppress(ids.IdError):
                yield changed.note(ids.read(key))


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
    answers, counts = Answers(table.language), Counts()
    progress = _progress(job)

    def answer(keys: list[Key], done: float) -> list[Sequence[Value]]:
        progress.update(done)
        return [each.cells() for each in counts.add(answers.of(keys))]

    # It is moved to its place, not copied; and gone if nobody wants it.
    target = TemporaryUploadedFile(table.result_name, None, 0, None)
    stream: Any = target.file
    with _opened(table) as file, _job_errors():
        rewrite.write(file, _plan_of(table, file), stream, answer)
    stream.flush()
    target.size = stream.tell()

    def save() -> dict[str, Any]:
        table.counts = {**asdict(counts), "classified": table.awaited.count()}
        if not target.closed:  # not when it is saved once more
            table.result.save(table.result_name, target, save=False)
            target.close()
        table.save(update_fields=["counts", "result"])
        return {"table": str(table.pk), **table.counts}

    return save


def _plan_of(table: Table, file: IO[bytes]) -> Plan:
    if "titles" in table.layout:
        return Plan.of(table.layout)
    # It was read by an older version.
    return rewrite.plan(file, ADDED, lambda keys, done: None)


@contextmanager
def _job_errors() -> Iterator[None]:
    try:
        yield
    except SheetError as error:
        raise JobError(error.code, json.dumps(error.params)) from error


def explain(job: Job) -> str:
    """Why a table failed, with what its sentence is about."""
    try:
        params = dict(json.loads(job.error_detail))
    except (ValueError, TypeError):
        params = {}
    return sentence(job.error_code, params)


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
        explain=explain,
        subject=Subject("tables.Table", "table"),
    )
)

"""All clients of the table reader behind one interface: rows, bad rows and findings."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.db import connection, transaction

from creativefilter import sheets
from creativefilter.creatives import ids
from creativefilter.creatives.intake import id_tables
from creativefilter.creatives.intake.transcripts import import_transcripts
from creativefilter.creatives.labels.imports import import_labels
from creativefilter.creatives.management.commands import classify_text
from creativefilter.creatives.models import Creative, WaitingLabel
from creativefilter.creatives.refused_rows import RowsError
from creativefilter.sheets import Broken, Field, Finding, rewrite
from creativefilter.site.codes import CodedError
from creativefilter.spend.imports import importer, staging
from creativefilter.tables import jobs as tables
from creativefilter.tables.answers import ADDED
from creativefilter.training import evaluation
from tests.sheets.sheet_files import csv_text

HEADING = [
    "Advertisement ID", "Advertiser", "Brand", "Media Type", "Estimated cost RUB", "Year", "Month",
    "Segment_num", "text", "file",
]  # fmt: skip


def row(number: int) -> list[Any]:
    """A row that every client can use."""
    return [
        number, "СБЕР", "СБЕРБАНК", "TV Nat", 1234.5, 2024, number % 12 + 1, 12,
        f"Текст ролика {number}", f"{number}.mp4",
    ]  # fmt: skip


ROWS = [row(number) for number in (4297908, 4297909)]
TEXT = csv_text([HEADING, *ROWS])


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a client made of a file.

    ``ids``: Advertisement IDs of the rows that were read. ``bad``: lines that can't be used.
    ``findings``: code, line, sheet and parameters of each finding. ``refused``: error code if the
    client refused the whole file.
    """

    ids: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    refused: str = ""

    def __str__(self) -> str:
        if self.refused:
            return self.refused
        bad = f", {len(self.bad)} bad (line {', '.join(self.bad)})" if self.bad else ""
        return f"{len(self.ids)} rows{bad}"


def outcome(client: Callable[[Path], Outcome], path: Path) -> Outcome:
    """Run a client on a file and roll back its changes to the database."""
    try:
        with transaction.atomic():
            found = client(path)
            transaction.set_rollback(True)
    except CodedError as error:
        return Outcome(refused=error.code)
    return found


def _finding_texts(*findings: Finding) -> tuple[str, ...]:
    return tuple(f"{f.code} {f.line} {f.sheet} {dict(f.params)}" for f in findings)


def labels(path: Path) -> Outcome:
    with sheets.opened(path) as document:
        reading = document.only()
        rows = sheets.records(reading, Field.ADVERTISEMENT_ID, (Field.SEGMENT_NUM, Field.SEGMENT))
        done = import_labels(rows, path.name)
    names = WaitingLabel.objects.order_by("pk").values_list("pk", flat=True)
    bad = tuple(str(problem.row) for problem in done.problems)
    return Outcome(tuple(names), bad, _finding_texts(*reading.findings(), *done.findings))


def transcripts(path: Path) -> Outcome:
    with sheets.opened(path) as document:
        reading = document.only()
        rows = list(sheets.records(reading, Field.ADVERTISEMENT_ID, Field.TEXT))
        done = import_transcripts(rows, path.name, lambda count: None)
    names = Creative.objects.order_by("pk").values_list("advertisement_id", flat=True)
    bad = tuple(str(problem.row) for problem in done.problems)
    return Outcome(tuple(map(str, names)), bad, _finding_texts(*reading.findings(), *done.findings))


def evaluate(path: Path) -> Outcome:
    """Run ``evaluate``, which uses all rows or none.

    It returns no IDs, so these are taken from the texts ("Текст ролика 4297908").
    """
    try:
        rows, findings = evaluation.read_transcripts(path)
    except RowsError as error:
        return Outcome(bad=tuple(str(problem.row) for problem in error.problems))
    return Outcome(tuple(row.text.split()[-1] for row in rows), findings=_finding_texts(*findings))


def classified(path: Path) -> Outcome:
    with sheets.opened(path) as document:
        read = classify_text.read(document.only())
    names = tuple(ids.normal(cells[0]) for cells in read.rows)
    bad = tuple(str(problem.row) for problem in read.problems)
    return Outcome(names, bad, _finding_texts(*read.findings))


def id_table(path: Path) -> Outcome:
    """Run the reader of ID tables, which uses all rows or none."""
    try:
        read = id_tables.read(path)
    except RowsError as error:
        return Outcome(bad=tuple(str(problem.row) for problem in error.problems))
    return Outcome(tuple(read.ids.values()), findings=_finding_texts(*read.findings))


def spend(path: Path) -> Outcome:
    with sheets.opened(path) as document:
        reading = document.only()
        prepared = importer.prepare(document)
    bad = tuple(each.place for each in staging.bad_rows())
    with connection.cursor() as cursor:
        cursor.execute("SELECT advertisement_id FROM spend_staged_ad ORDER BY id")
        names = [str(name) for (name,) in cursor.fetchall()]
    staging.drop()
    several = len(reading.tables) > 1
    bad = bad if several else tuple(place.partition(" ")[0] for place in bad)
    return Outcome(tuple(names), bad, _finding_texts(*prepared.report.findings))


def predict_table(path: Path) -> Outcome:
    keys: list[rewrite.Key] = []
    with path.open("rb") as file:
        tables.check(File(file, name=path.name))
        plan = rewrite.plan(file, ADDED, lambda batch, done: keys.extend(batch))
        rewrite.write(file, plan, io.BytesIO(), lambda keys, done: [[1] * 5 for _key in keys])
    with sheets.opened(path) as document:
        records = list(sheets.records(document.only(), Field.ADVERTISEMENT_ID))
    changed = ids.Changed()
    good, bad = [], []
    for record, key in zip(records, keys, strict=True):
        try:
            good.append(changed.note(ids.read("" if isinstance(key, Broken) else key)))
        except ids.IdError:
            bad.append(str(record.place))
    return Outcome(tuple(good), tuple(bad), _finding_texts(*plan.findings, *changed.findings()))


CLIENTS: dict[str, Callable[[Path], Outcome]] = {
    "labels": labels,
    "transcripts": transcripts,
    "evaluate": evaluate,
    "classify_text": classified,
    "id table": id_table,
    "spend": spend,
    "predict_table": predict_table,
}
# Clients that use all rows of a table or none.
ALL_OR_NONE = ("evaluate", "id table")

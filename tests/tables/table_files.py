"""Builders of tables as analysts have them, and of the creatives that they name."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

from django.contrib.auth.models import User
from django.core.files.base import File
from openpyxl import Workbook, load_workbook
from openpyxl.chart import BarChart, Reference

from creativefilter.creatives import model_versions
from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import Creative, MediaVersion, Prediction, Segment, Transcript
from creativefilter.jobs.models import Job
from creativefilter.site.codes import CodedError
from creativefilter.tables import jobs as work
from creativefilter.tables.models import Table
from tests.creatives.analysing import run

Row = tuple[Any, ...]


def stored(
    advertisement_id: str,
    segment: int | None = None,
    *,
    probability: float = 0.9,
    speech: str = "",
    **fields: Any,
) -> Creative:
    """Create a creative without a file, with a prediction if ``segment`` is given."""
    creative = Creative.objects.create(
        advertisement_id=advertisement_id, name=f"{advertisement_id}.mp4", state="done"
    )
    media = MediaVersion.objects.create(
        creative=creative, original_name=creative.name, sha256=advertisement_id, size=1
    )
    if speech:
        Transcript.objects.create(
            media=media, engine="imported", model="", language="ru", text=speech, speech=speech,
            spoken=True, seconds_taken=0,
        )  # fmt: skip
    if segment is not None:
        Prediction.objects.create(
            creative=creative, media=media, model_version=model_versions.active(),
            segment_id=segment, probability=probability,
        )  # fmt: skip
    creative.current_media = media
    for name, value in fields.items():
        setattr(creative, name, value)
    creative.save()
    return creative


def labelled(creative: Creative, segment: int) -> None:
    set_label(creative, Segment.objects.get(pk=segment), None)


def silent(advertisement_id: str) -> Creative:
    creative = stored(advertisement_id)
    Prediction.objects.create(
        creative=creative, media=creative.current_media, reason="no_speech",
        model_version=model_versions.active(),
    )  # fmt: skip
    return creative


def received(content: bytes, name: str = "план.csv", **how: Any) -> Table:
    how.setdefault("owner", None)
    return work.receive(File(io.BytesIO(content), name=name), name, **how)


def answered(content: bytes, name: str = "план.csv", **how: Any) -> Table:
    """Upload a table and run its job; return the table."""
    table = received(content, name, **how)
    assert table.job
    job = run(table.job)
    assert job.state == Job.State.DONE, (job.error_code, job.error_detail)
    return Table.objects.select_related("job").get(pk=table.pk)


def refused(content: bytes, name: str = "план.csv") -> str:
    """Return the error code of a table, from its upload or from its job; "" without an error."""

    try:
        table = received(content, name)
    except CodedError as error:
        return error.code
    assert table.job
    return run(table.job).error_code


def bytes_of(table: Table) -> bytes:
    with table.result.open("rb") as file:
        return bytes(file.read())


def workbook(rows: list[list[Any]], **more: list[list[Any]]) -> bytes:
    """Return a workbook with these rows, and with further sheets by name."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for name, others in more.items():
        other = book.create_sheet(name)
        for row in others:
            other.append(row)
    return saved(book)


def saved(book: Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def rows_of(content: bytes, sheet: int = 0) -> list[Row]:
    book = load_workbook(io.BytesIO(content))
    return list(book.worksheets[sheet].iter_rows(values_only=True))


def office_workbook() -> bytes:
    """Return a workbook with a title over merged cells, formulas, dates and a chart."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["A1"] = "Медиаплан"
    sheet.merge_cells("A1:D1")
    sheet.append([])
    sheet.append(["Бренд", "Advertisement ID", "Дата", "Сумма"])
    ids = [90000001, "90000002", 90000003.0, None, "  90000001 ", "нет такого", "000123"]
    for number, cell in enumerate(ids):
        sheet.append([f"Б{number}", cell, date(2026, 11, number + 1), f"=ROW()*{number}"])
    sheet["C4"].number_format = "dd.mm.yyyy"
    sheet.column_dimensions["A"].width = 33
    sheet.conditional_formatting.add("D4:D9", _red())
    chart = BarChart()
    chart.add_data(Reference(sheet, min_col=4, min_row=4, max_row=9))
    sheet.add_chart(chart, "H2")
    book.create_sheet("Второй")["B2"] = "=1+1"
    return saved(book)


def _red() -> Any:
    from openpyxl.formatting.rule import CellIsRule
    from openpyxl.styles import PatternFill

    return CellIsRule(operator="greaterThan", formula=["10"], fill=PatternFill(bgColor="FF0000"))


def someone(name: str = "someone") -> User:
    return User.objects.create_user(name)

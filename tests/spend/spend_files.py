"""Spend tables for tests, and what importing them stored."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db.models import Model, Sum

from creativefilter import sheets
from creativefilter.spend.imports import importer
from creativefilter.spend.imports.importer import Prepared
from creativefilter.spend.models import MonthlySpend, SpendImport, SpendRow
from creativefilter.spend.totals import checks

HEADING = "Advertisement ID,Advertiser,Brand,Media Type,Estimated cost RUB,Year,Month"
ROW = "100,МАГНИТ,МАГНИТ КОСМЕТИК,TV Nat,{},2021,3"


def text_of(*rows: str, heading: str = HEADING) -> str:
    return "\n".join([heading, *rows]) + "\n"


def table(folder: Path, *rows: str, name: str = "spend.csv") -> Path:
    """Write a CSV file with the heading and these rows."""
    path = folder / name
    path.write_text(text_of(*rows), "utf-8")
    return path


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def workbook(rows: Iterable[Sequence[Any]]) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    for row in rows:
        book.active.append(list(row))
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def with_part(book: bytes, name: str, content: bytes) -> bytes:
    """Replace the content of one part of a workbook."""
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    assert name in parts
    return zipped({**parts, name: content})


def prepared(path: Path) -> Prepared:
    with sheets.opened(path) as document:
        return importer.prepare(document)


def imported(path: Path, **options: Any) -> SpendImport:
    """Import a file, and check that every sum agrees with its rows afterwards."""
    done = importer.import_file(path, **options)
    assert checks.check().agrees
    return done


def sums() -> dict[str, Decimal]:
    """Return spend by month ("2021-03") from ``MonthlySpend``."""
    found = MonthlySpend.objects.values_list("month").annotate(Sum("amount")).order_by("month")
    return {f"{month:%Y-%m}": amount for month, amount in found}


def everything() -> list[list[tuple[Any, ...]]]:
    """Return all imports, spend rows and monthly sums."""
    models: tuple[type[Model], ...] = (SpendImport, SpendRow, MonthlySpend)
    return [list(model._default_manager.order_by("pk").values_list()) for model in models]

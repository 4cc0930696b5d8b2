"""Tables of Advertisement IDs by file name, for files whose name is not the ID."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from django.utils.translation import gettext as _

from creativefilter import sheets
from creativefilter.creatives import ids
from creativefilter.creatives.intake.file_names import advertisement_id_of
from creativefilter.creatives.refused_rows import RefusedRow, RowsError
from creativefilter.sheets import Field, Finding


@dataclass(frozen=True, slots=True)
class IdTable:
    """Advertisement IDs by file name, for ``id_of``, and the findings about the table."""

    ids: dict[str, str]
    findings: list[Finding]


def read(file: IO[bytes] | Path) -> IdTable:
    """Read a table with the columns ``Advertisement ID`` and ``file``, under any of their names.

    Raises:
        SheetError: the file is not a table, or lacks a column.
        RowsError: some rows can't be used; the error names them.
    """
    found: dict[str, str] = {}
    problems: list[RefusedRow] = []
    changed = ids.Changed()
    with sheets.opened(file) as document:
        reading = document.only()
        for record in sheets.records(reading, Field.FILE, Field.ADVERTISEMENT_ID):
            if record.problem:
                problems.append(RefusedRow(record.place, record.problem))
                continue
            named, given = record.cells
            name = _key(str(named))
            try:
                advertisement_id = changed.note(ids.read(given))
            except ids.IdError as error:
                if error.code != "id_blank":
                    problems.append(RefusedRow(record.place, str(error)))
                continue
            if name and found.setdefault(name, advertisement_id) != advertisement_id:
                why = _("“%s” has another Advertisement ID in an earlier row.") % named
                problems.append(RefusedRow(record.place, why))
    if problems:
        raise RowsError(problems)
    return IdTable(found, [*reading.findings(), *changed.findings()])


def id_of(name: str, ids: Mapping[str, str]) -> str | None:
    """Look up a file by its name with or without extension; else return the number in its name."""
    key = _key(name)
    return ids.get(key) or ids.get(PurePosixPath(key).stem) or advertisement_id_of(name)


def _key(name: str) -> str:
    return PurePosixPath(name.strip().replace("\\", "/")).name.casefold()

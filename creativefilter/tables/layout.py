"""Where in a table the Advertisement IDs stand and where the answers go; alike for CSV and XLSX."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from creativefilter.creatives.labels.imports import CellError, advertisement_id
from creativefilter.tables.errors import TableFileError

# The columns that are added, in their order.
ADDED = ("Segment_num", "Segment", "probability", "reviewed", "status")
# Above the heading a table may have a title and a few remarks.
HEADING_ROWS = 20
_NAMES = {"advertisementid", "idрекламы"}
_EXPONENT = re.compile(r"[0-9]+(?:[.,][0-9]+)?[eE]\+?[0-9]+")
# A whole number beyond it is not exact in a spreadsheet.
_EXACT = 1e15


@dataclass(frozen=True, slots=True)
class Layout:
    """A table's form. Columns and rows count from 0; ``places`` are the columns of ``ADDED``.

    ``kind`` is "csv" or "xlsx". CSV: ``encoding`` and ``delimiter`` are those of the file,
    ``width`` is the number of cells of the longest row, ``heading`` counts lines. XLSX: ``part``
    is the sheet's name in the archive; ``chain`` says that formulas will go, so that the
    workbook's list of them would be wrong.
    """

    kind: str
    id_column: int
    heading: int
    width: int
    places: tuple[int, ...]
    encoding: str = "utf-8"
    delimiter: str = ","
    part: str = ""
    chain: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Layout:
        return cls(**{**stored, "places": tuple(stored["places"])})


def id_column(heading: Sequence[str]) -> int | None:
    """Which column has the IDs; letter case, spaces and punctuation don't matter.

    None if none has. Raises ``TableFileError`` if several have.
    """
    found = [place for place, name in enumerate(heading) if _folded(name) in _NAMES]
    if len(found) > 1:
        raise TableFileError("table_two_columns")
    return found[0] if found else None


def _folded(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def places(heading: Sequence[str], width: int) -> tuple[int, ...]:
    """Where ``ADDED`` go: over columns of exactly these names, the others behind ``width``."""
    there = {name.strip(): place for place, name in reversed(list(enumerate(heading)))}
    found, behind = [], width
    for name in ADDED:
        if name in there:
            found.append(there[name])
        else:
            found.append(behind)
            behind += 1
    return tuple(found)


def number_as_text(stored: str) -> str:
    """A number cell of a workbook as its digits: "1.23E+7" and "12300000.0" are "12300000".

    A spreadsheet keeps numbers whole however it shows them. What is no whole number stays.
    """
    if stored.isdecimal():
        return stored
    try:
        number = float(stored)
    except ValueError:
        return stored
    return str(int(number)) if number.is_integer() and abs(number) < _EXACT else stored


def key_of(cell: str) -> str | None:
    """The Advertisement ID in a cell's text; "" for a blank, None where its digits are lost.

    A text as "1.23E+07" was shortened by a program: whose ID it is cannot be told, unless all
    digits are there ("4.297908E+06").
    """
    text = cell.strip()
    if not text:
        return ""
    if _EXPONENT.fullmatch(text):
        return _whole(text)
    try:
        return advertisement_id(text)
    except CellError:
        return text[:64]


def _whole(text: str) -> str | None:
    mantissa, _, exponent = text.lower().replace(",", ".").partition("e")
    whole, _, part = mantissa.partition(".")
    if len(exponent) > 3:
        return None
    places = int(exponent)
    if len(part) < places or part[places:].strip("0"):
        return None
    return (whole + part[:places]).lstrip("0") or "0"

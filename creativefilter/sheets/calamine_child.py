"""Program of its own: a workbook on standard input, its cells on standard output.

Each row is a line of JSON, its number before its cells; the last line lists the sheets: name,
whether it is visible, and where its rows begin and end. Exit status 3: a password; 4: no workbook;
5: damaged; 6: too large. It knows nothing of the project, so that it starts at once.
"""

from __future__ import annotations

import json
import sys
from datetime import date, datetime, time, timedelta
from typing import Any

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    load_workbook,
)

EXACT = 10**15
# Blank ones, too: a cell far away makes many of them.
MAX_CELLS = 20_000_000


def main() -> int:
    try:
        book = load_workbook(sys.stdin.buffer)
        return write(book)
    except PasswordError:
        return 3
    except MemoryError:
        return 6
    except (CalamineError, ValueError, OSError) as error:
        return 3 if "password" in str(error).lower() else 5


def write(book: CalamineWorkbook) -> int:
    listed: list[tuple[str, bool, int, int]] = []
    at = 0
    for number, sheet in enumerate(book.sheets_metadata):
        if sheet.typ != SheetTypeEnum.WorkSheet:
            continue
        visible = sheet.visible == SheetVisibleEnum.Visible
        start = at
        if visible:
            for line in lines(book.get_sheet_by_index(number)):
                sys.stdout.buffer.write(line)
                at += len(line)
        listed.append((sheet.name, visible, start, at))
    sys.stdout.buffer.write(json.dumps(listed).encode() + b"\n")
    sys.stdout.buffer.flush()
    return 0 if listed else 4


def lines(sheet: CalamineSheet) -> Any:
    """The rows that are not blank."""
    if sheet.start is None:
        return
    if sheet.total_height * sheet.total_width > MAX_CELLS:
        raise MemoryError
    first_row, first_column = sheet.start
    before = [""] * first_column
    for number, row in enumerate(sheet.iter_rows(), first_row + 1):
        cells = [as_cell(cell) for cell in row]
        while cells and cells[-1] == "":
            cells.pop()
        if cells:
            yield json.dumps([number, *before, *cells]).encode() + b"\n"


def as_cell(cell: Any) -> str | float:
    """Text, or a number that is no whole one or has lost digits, as the reader of XLSX gives."""
    match cell:
        case str():
            return cell
        case bool():
            return "TRUE" if cell else "FALSE"
        case int() | float():
            exact = abs(cell) < EXACT and cell == int(cell)
            return str(int(cell)) if exact else float(cell)
        case datetime():
            midnight = cell.time() == time(0)
            return f"{cell:%Y-%m-%d}" if midnight else f"{cell:%Y-%m-%d %H:%M:%S}"
        case date():
            return f"{cell:%Y-%m-%d}"
        case time():
            return f"{cell:%H:%M:%S}"
        case timedelta():
            return str(cell)
    return "" if cell is None else str(cell)


if __name__ == "__main__":
    sys.exit(main())

"""Program that reads a workbook from standard input and writes its cells to standard output.

Each row is a line of JSON: the row's number, then its cells. The last line lists the sheets: name,
whether the sheet is visible, and the offsets in bytes where its rows begin and end. Exit status 3:
the workbook has a password; 4: no worksheets; 5: damaged; 6: too many cells or too much output, or
the memory was exhausted. The program imports nothing of the project, so it starts fast.
"""

from __future__ import annotations

import errno
import json
import os
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

# Spreadsheets keep 15 digits; larger whole numbers are not exact.
EXACT = 10**15
# Blank cells count, too: one cell in the last corner of a sheet makes many of them.
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
        if isinstance(error, OSError) and error.errno == errno.EFBIG:
            return 6
        return 3 if "password" in str(error).lower() else 5


def write(book: CalamineWorkbook) -> int:
    """Write the visible worksheets and the list of sheets. Returns the exit status."""
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
    """Yield the rows that are not blank, as lines of JSON.

    Raises:
        MemoryError: the sheet has too many cells, blank ones included.
    """
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
    """Return a cell in the form of ``sheets.types.Cell``, like the reader of XLSX."""
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
    # Not ``sys.exit``, which flushes again: after too much output that fails, with another status.
    os._exit(main())

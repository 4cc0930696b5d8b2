"""Reader of XLS, XLSB and ODS: python-calamine in a child process.

The library allocates a sheet as one block of cells. A cell in the last corner of an otherwise empty
sheet would exhaust the memory and kill the process. So the library runs in a child process with
limits on memory and time (``calamine_child``), which writes the cells as lines of JSON.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import IO

from creativefilter.sheets import limits
from creativefilter.sheets.containers import Kind, Source, opened_zip
from creativefilter.sheets.errors import SheetError
from creativefilter.sheets.tally import Tally
from creativefilter.sheets.types import Row

_CHILD = Path(__file__).with_name("calamine_child.py")
# Error codes for the exit statuses of ``calamine_child``.
_EXITS = {3: "table_password", 4: "table_no_workbook", 6: "table_needs_memory"}


class OtherSheet:
    """A sheet whose rows the child has written to ``file``, from byte ``start`` to byte ``end``."""

    def __init__(self, file: IO[bytes], name: str, visible: bool, start: int, end: int) -> None:
        self.name, self.visible = name, visible
        self._file, self._start, self._end = file, start, end
        self._at = start

    @property
    def done(self) -> float:
        return (self._at - self._start) / max(1, self._end - self._start)

    def rows(self, width: int, tally: Tally) -> Iterator[Row]:
        self._at = self._start
        while self._at < self._end:
            # Another sheet of the same file may have moved the position.
            self._file.seek(self._at)
            line = self._file.readline()
            self._at += len(line)
            number, *cells = json.loads(line)
            yield number, cells[:width]


def sheets(source: Source, stack: ExitStack) -> list[OtherSheet]:
    """Read a workbook in a child process.

    Args:
        source: an XLS, XLSB or ODS file.
        stack: closes the temporary file with the rows.

    Raises:
        SheetError: the file is too large, damaged, has a password or has no sheets, or reading it
            takes too much memory or time.
    """
    file = source.open()
    size = source.packed
    if size > limits.MAX_OTHER_WORKBOOK:
        raise SheetError("table_too_large", limit=limits.MAX_OTHER_WORKBOOK >> 20)
    if source.kind != Kind.XLS:
        with opened_zip(file) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > limits.MAX_OTHER_UNPACKED:
            raise SheetError("table_too_large", limit=limits.MAX_OTHER_UNPACKED >> 20)
    memory = min(limits.OTHER_MEMORY, limits.OTHER_BASE + limits.OTHER_TIMES * size)
    return _written(_run(source.open(), memory, stack))


def _run(file: IO[bytes], memory: int, stack: ExitStack) -> IO[bytes]:
    """Run ``calamine_child``; return the temporary file with its output."""
    output = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 (the stack closes it)
    with tempfile.TemporaryFile() as copy:
        # The child needs a file descriptor whose position no one else moves.
        shutil.copyfileobj(file, copy, limits.BLOCK)
        copy.seek(0)
        try:
            done = subprocess.run(
                [sys.executable, "-I", str(_CHILD)],
                stdin=copy,
                stdout=output,
                stderr=subprocess.DEVNULL,
                preexec_fn=partial(_limit, memory),
                timeout=4 * limits.OTHER_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise SheetError("table_needs_memory") from error
    if done.returncode in _EXITS:
        raise SheetError(_EXITS[done.returncode])
    if done.returncode < 0:
        # A signal: that of the limit of processor time, or the child had no memory left.
        raise SheetError("table_needs_memory")
    if done.returncode:
        raise SheetError("table_unreadable")
    return output


def _limit(memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.OTHER_SECONDS, limits.OTHER_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.OTHER_OUTPUT, limits.OTHER_OUTPUT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _written(file: IO[bytes]) -> list[OtherSheet]:
    """Return the sheets that the last line of the output lists. Raises ``SheetError`` if none."""
    file.seek(max(0, file.seek(0, 2) - limits.MAX_SMALL_PART))
    lines = file.read().splitlines()
    found = [OtherSheet(file, *each) for each in json.loads(lines[-1])] if lines else []
    if not found:
        raise SheetError("table_no_workbook")
    return found

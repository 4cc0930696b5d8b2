"""Counts of findings while the rows of a table are read, with their first line numbers."""

from __future__ import annotations

from collections import Counter, defaultdict

from creativefilter.sheets.errors import Finding
from creativefilter.sheets.types import Broken

# Line numbers that a finding names.
EXAMPLES = 5


class Tally:
    """Counts findings about the rows of one table."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all findings, because the rows are read again from the beginning."""
        self._counts: Counter[str] = Counter()
        self._lines: defaultdict[str, list[int]] = defaultdict(list)

    @property
    def heading_count(self) -> int:
        """Number of repeated headings so far."""
        return self._counts["found_headings_again"]

    def add_heading(self, line: int) -> None:
        self._note("found_headings_again", line)

    def add_short_row(self, line: int) -> None:
        self._note("found_short_rows", line)

    def add_broken_row(self, line: int, row: Broken) -> Broken:
        """Count the row and return it."""
        self._note("found_broken_rows", line)
        return row

    def add_unsaved_formulas(self, count: int) -> None:
        self._counts["found_unsaved_formulas"] += count

    def _note(self, code: str, line: int) -> None:
        self._counts[code] += 1
        if len(self._lines[code]) < EXAMPLES:
            self._lines[code].append(line)

    def findings(self, sheet: str) -> list[Finding]:
        return [
            Finding(
                code,
                {"count": count, "lines": ", ".join(map(str, self._lines[code]))},
                self._lines[code][0] if self._lines[code] else 0,
                sheet,
            )
            for code, count in self._counts.items()
            if count
        ]

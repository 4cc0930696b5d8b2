"""What is found while the rows of a table are read: counts, and the first line of each kind."""

from __future__ import annotations

from collections import Counter, defaultdict

from creativefilter.sheets.errors import Finding
from creativefilter.sheets.types import Broken

EXAMPLES = 5


class Tally:
    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin anew: the rows are read from the beginning again."""
        self._counts: Counter[str] = Counter()
        self._lines: defaultdict[str, list[int]] = defaultdict(list)

    @property
    def headings(self) -> int:
        """Repeated headings so far."""
        return self._counts["found_headings_again"]

    def heading(self, line: int) -> None:
        self._note("found_headings_again", line)

    def short(self, line: int) -> None:
        self._note("found_short_rows", line)

    def broken(self, line: int, row: Broken) -> Broken:
        self._note("found_broken_rows", line)
        return row

    def unsaved_formulas(self, count: int) -> None:
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

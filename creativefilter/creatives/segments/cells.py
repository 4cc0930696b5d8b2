"""Cells of tables that name a segment by its number."""

from __future__ import annotations

import re
from collections import Counter

from django.utils.translation import gettext as _

from creativefilter.creatives import ids
from creativefilter.creatives.models import Segment
from creativefilter.creatives.refused_rows import CellError
from creativefilter.creatives.segments.directory import Directory, UnknownSegmentError
from creativefilter.sheets import Cell, Finding

_NUMBER = re.compile(r"([0-9]{1,6})(?:[.,]0+)?")


class SegmentCells:
    """Reads the segments of a table, and counts the cells that name a merged one."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self._merged: Counter[tuple[int, int]] = Counter()

    def read(self, cell: Cell) -> int:
        """Return the number of the segment that counts for the cell.

        Raises:
            CellError: The cell is blank or names no segment.
        """
        return self._segment(cell).number

    def read_in_use(self, cell: Cell) -> int:
        """Return the number of the segment that counts for the cell, for a new label.

        Raises:
            CellError: The cell is blank, names no segment, or names a retired one.
        """
        segment = self._segment(cell)
        if segment.retired_at:
            raise CellError(_("segment %s is retired.") % segment.number)
        return segment.number

    def _segment(self, cell: Cell) -> Segment:
        text = str(cell).strip()
        if not text:
            raise CellError(_("the segment is blank."))
        match = _NUMBER.fullmatch(text)
        number = int(match[1]) if match else -1
        try:
            segment = self.directory.counted(number)
        except UnknownSegmentError as error:
            message = _("there is no segment with this number: %s.") % ids.shown(text)
            raise CellError(message) from error
        if segment.number != number:
            self._merged[number, segment.number] += 1
        return segment

    def findings(self) -> list[Finding]:
        """Return a finding about the cells of merged segments, if there were any."""
        if not self._merged:
            return []
        numbers = ", ".join(f"{number} → {target}" for number, target in sorted(self._merged))
        params = {"count": self._merged.total(), "numbers": numbers}
        return [Finding("found_segments_merged", params)]

"""Import of the analysts' dictionary: a table of segment numbers and names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from django.db import transaction
from django.utils.translation import gettext as _

from creativefilter import sheets
from creativefilter.creatives.models import Segment
from creativefilter.creatives.models.segment import LARGEST_NUMBER
from creativefilter.creatives.refused_rows import CellError, RefusedRow
from creativefilter.creatives.segments import changes
from creativefilter.creatives.segments.changes import skeleton
from creativefilter.sheets import Cell, Field, Finding, Place

_LONGEST = 128


@dataclass(frozen=True, slots=True)
class Table:
    """Names by segment number, rows that can't be used, and findings about the table."""

    names: Mapping[int, str]
    problems: Sequence[RefusedRow]
    findings: Sequence[Finding]


@dataclass(frozen=True, slots=True)
class Plan:
    """What importing a table changes.

    Attributes:
        added: Names of new segments by number.
        merged: Target by the number of a new segment that has the target's name.
        renamed: Former and new name of stored segments by number.
        same: How many segments stay as they are.
    """

    added: Mapping[int, str]
    merged: Mapping[int, int]
    renamed: Mapping[int, tuple[str, str]]
    same: int

    def __bool__(self) -> bool:
        """Whether anything changes."""
        return bool(self.added or self.renamed)

    def as_json(self) -> list[Any]:
        """Return the changes as plain JSON values; equal plans give equal values."""
        renamed = [[number, *names] for number, names in sorted(self.renamed.items())]
        added = [[n, name, self.merged.get(n)] for n, name in sorted(self.added.items())]
        return [added, renamed]

    def sentences(self) -> list[str]:
        """Return a sentence for each change, in the active language."""
        lines = []
        for number, name in self.added.items():
            values = {"number": number, "name": name, "target": self.merged.get(number)}
            if number in self.merged:
                lines.append(
                    _("Segment %(number)s repeats segment %(target)s: it is merged into it.")
                    % values
                )
            else:
                lines.append(_("New segment %(number)s: %(name)s.") % values)
        for number, (old, new) in self.renamed.items():
            lines.append(
                _("Segment %(number)s gets another name: %(old)s → %(new)s.")
                % {"number": number, "old": old, "new": new}
            )
        return lines


def read(file: IO[bytes] | Path) -> Table:
    """Read a table with the columns ``Segment_num`` and ``Segment``, under any of their names.

    A number with several names is not used.

    Raises:
        SheetError: The file is not a table, or lacks a column.
    """
    found: dict[int, dict[str, Place]] = {}
    problems: list[RefusedRow] = []
    with sheets.opened(file) as document:
        reading = document.only()
        for record in sheets.records(reading, Field.SEGMENT_NUM, Field.SEGMENT):
            if record.problem:
                problems.append(RefusedRow(record.place, record.problem))
                continue
            try:
                number, name = _number(record.cells[0]), _name(record.cells[1])
            except CellError as error:
                problems.append(RefusedRow(record.place, str(error)))
                continue
            found.setdefault(number, {}).setdefault(name, record.place)
        findings = reading.findings()
    for number, names in found.items():
        if len(names) > 1:
            reason = _("number %s has several names.") % number
            problems += [RefusedRow(place, reason) for place in names.values()]
    once = {number: next(iter(names)) for number, names in found.items() if len(names) == 1}
    return Table(dict(sorted(once.items())), problems, findings)


def _number(cell: Cell) -> int:
    text = str(cell).strip().removesuffix(".0")
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and int(text) <= LARGEST_NUMBER):
        raise CellError(_("not a number from 0 to %(most)d: %(text)s.")
                        % {"most": LARGEST_NUMBER, "text": text[:40]})  # fmt: skip
    return int(text)


def _name(cell: Cell) -> str:
    name = " ".join(str(cell).replace("\x00", "").split())
    if not name or len(name) > _LONGEST:
        raise CellError(_("the name has to have 1 to %d characters.") % _LONGEST)
    return name


def plan(names: Mapping[int, str]) -> Plan:
    """Compare the names of a table with the stored segments. Writes nothing.

    Merged segments keep their names: those of the dictionary may repeat others.

    Args:
        names: Name by number.
    """
    stored = {one.number: one for one in Segment.objects.all()}
    taken = {
        skeleton(names.get(one.number, one.name)): one.number
        for one in stored.values()
        if one.merged_into_id is None
    }
    added, merged, renamed = {}, {}, {}
    for number, name in sorted(names.items()):
        segment = stored.get(number)
        if segment is None:
            added[number] = name
            target = taken.setdefault(skeleton(name), number)
            if target != number:
                merged[number] = target
        elif segment.merged_into_id is None and segment.name != name:
            renamed[number] = (segment.name, name)
    return Plan(added, merged, renamed, len(names) - len(added) - len(renamed))


def apply(found: Plan, group: str | None = None) -> None:
    """Make the changes of a plan, all or none.

    Args:
        found: The plan.
        group: Key of the group of new segments.

    Raises:
        SegmentError: Segments have changed since the plan was made, or two would have one name.
    """
    with transaction.atomic():
        own = [number for number in found.added if number not in found.merged]
        rows = [Segment(number=n, name=found.added[n], group_id=group) for n in own]
        for segment in Segment.objects.filter(pk__in=found.renamed):
            segment.name = found.renamed[segment.number][1]
            rows.append(segment)
        changes.save(*rows)
        for number, target in found.merged.items():
            row = Segment(number=number, name=found.added[number], group_id=group)
            changes.add_merged(row, target)

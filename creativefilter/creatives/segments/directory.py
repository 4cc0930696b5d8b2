"""Segments by number, with merges applied, and grouped for pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import DatabaseError
from django.utils.translation import gettext as _

from classifier.segments import MERGED, SEGMENTS
from creativefilter.creatives.models import Segment
from creativefilter.site import database


class UnknownSegmentError(ValueError):
    """No segment has this number."""


@dataclass(frozen=True, slots=True)
class Merge:
    """A merged segment that was named, and the one that counts instead, by their numbers."""

    number: int
    target: int

    def __str__(self) -> str:
        return _("Segment %(number)d is merged into %(target)d and counts as %(target)d.") % {
            "number": self.number,
            "target": self.target,
        }


@dataclass(frozen=True, slots=True)
class Directory:
    """All segments as they were when this was read."""

    by_number: Mapping[int, Segment]

    @classmethod
    def read(cls) -> Directory:
        """Read the segments of the database."""
        return cls({one.number: one for one in Segment.objects.select_related("group")})

    @classmethod
    def read_or_shipped(cls) -> Directory:
        """Read the segments; return those of a new installation if there is no usable database."""
        try:
            found = cls.read() if database.is_there() else cls({})
        except DatabaseError:  # not migrated yet, or unreachable: commands go on without it
            found = cls({})
        return found if found.by_number else cls(_shipped())

    def in_use(self) -> list[Segment]:
        """Return the segments that labels can have: neither merged nor retired."""
        rows = self.by_number.values()
        return [one for one in rows if one.merged_into_id is None and one.retired_at is None]

    def counted_number(self, number: int) -> int:
        """Return the number that counts: that of the target of a merged segment, or this one."""
        segment = self.by_number.get(number)
        target = segment.merged_into_id if segment else None
        return number if target is None else target

    def counted(self, number: int) -> Segment:
        """Return the segment that counts for this number: the target of a merged one.

        Raises:
            UnknownSegmentError: No segment has this number.
        """
        if number not in self.by_number:
            raise UnknownSegmentError(_("There is no segment with the number %s.") % number)
        return self.by_number[self.counted_number(number)]

    def merge_of(self, number: int) -> Merge | None:
        """Return the merge that replaces this number; None if its segment counts itself."""
        target = self.counted_number(number)
        return None if target == number else Merge(number, target)

    def merged_numbers(self) -> dict[int, int]:
        """Return the number that counts by the number of each merged segment."""
        rows = self.by_number.items()
        return {
            number: one.merged_into_id for number, one in rows if one.merged_into_id is not None
        }

    def merged_shares(self, shares: Mapping[str, float]) -> dict[int, float]:
        """Return probabilities by segment, those of merged segments added to their targets.

        Args:
            shares: Probability by number, as predictions store them.
        """
        sums: dict[int, float] = {}
        for text, share in shares.items():
            number = self.counted_number(int(text))
            sums[number] = sums.get(number, 0.0) + share
        return sums

    def expanded(self, numbers: Iterable[int]) -> set[int]:
        """Return these numbers and those of the segments that were merged into them."""
        wanted = set(numbers)
        return wanted | {n for n, one in self.by_number.items() if one.merged_into_id in wanted}

    def title(self, number: int) -> str:
        """Return number and name in the reader's language; the number alone if it is unknown."""
        return str(self.by_number.get(number, number))

    def criteria(self, number: int) -> str:
        """Return when to choose this segment, in the reader's language; "" if it is unknown."""
        known = self.by_number.get(number)
        return known.description if known else ""


# Replaces no number: for rows that are shown as they were stored.
UNMERGED = Directory({})


def _shipped() -> dict[int, Segment]:
    rows = {
        one.number: Segment(
            number=one.number,
            name=one.name,
            name_en=one.name_en,
            criteria=one.criteria,
            criteria_en=one.criteria_en,
        )
        for one in SEGMENTS
    }
    merged = {
        number: Segment(number=number, name=rows[target].name, merged_into_id=target)
        for number, target in MERGED.items()
    }
    return rows | merged


def grouped(segments: Iterable[Segment]) -> list[tuple[str, list[Segment]]]:
    """Return the segments under the names of their groups, in the order in which pages show them.

    Args:
        segments: Segments with ``group`` selected. Those without a group come last.
    """
    groups: dict[str, list[Segment]] = {}
    for segment in sorted(segments, key=_order):
        groups.setdefault(str(segment.group or _("Without a group")), []).append(segment)
    return list(groups.items())


def _order(segment: Segment) -> tuple[bool, int, str, int]:
    group = segment.group
    place = (False, group.position, group.key) if group else (True, 0, "")
    return (*place, segment.number)

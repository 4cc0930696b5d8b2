"""Figures as tables that people read: in the terminal and on the page of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from classifier.segments import NUMBERS, by_number
from creativefilter.ui.formats import format_number

if TYPE_CHECKING:
    from classifier.evaluation.figures import Coverage, Evaluation

LARGEST_CONFUSIONS = 5
NONE = "—"


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures, and in the reader's language what they are of."""

    title: str
    evaluation: Evaluation


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of ready words: the first column names the row, the others hold figures."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def as_text(self) -> str:
        """Lines of equal columns for a terminal."""
        lines = [self.head, *self.rows]
        widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
        body = [
            "  ".join(
                cell.rjust(width) if place else cell.ljust(width)
                for place, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        ]
        rule = "─" * (sum(widths) + 2 * len(widths) - 2)
        return "\n".join([self.title, body[0], rule, *body[1:]])


def segment_title(number: int) -> str:
    """Number and name of a segment, in the reader's language."""
    segment = by_number(number)
    english = (get_language() or "").startswith("en")
    return f"{number} · {segment.name_en if english else segment.name}"


def quality(measured: Sequence[Measured]) -> Grid:
    """How well the segments are found."""
    head = (
        "", _("creatives"), _("undecided"), "macro-F1", _("interval (95 %)"), _("accuracy"), "ECE",
    )  # fmt: skip
    rows = []
    for one in measured:
        figures = one.evaluation
        low, high = figures.interval
        decided = figures.rows > figures.undecided
        rows.append(
            (
                one.title,
                str(figures.rows),
                str(figures.undecided),
                shown(figures.macro_f1),
                f"{shown(low)}–{shown(high)}",
                shown(figures.accuracy),
                shown(figures.ece) if decided else NONE,
            )
        )
    return Grid(_("How well the segments are found"), head, tuple(rows))


def automation(measured: Sequence[Measured]) -> Grid:
    """How many creatives need no person, and how many of these are right."""
    targets = [one.target for one in measured[0].evaluation.coverage]
    head = ("", *(_("at %s") % percent(target, 0) for target in targets))
    rows = [(one.title, *map(_coverage, one.evaluation.coverage)) for one in measured]
    title = _("Decided without a person when so much precision is wanted (right of these)")
    return Grid(title, head, tuple(rows))


def _coverage(one: Coverage) -> str:
    return f"{percent(one.share)} ({percent(one.precision) if one.share else NONE})"


def details(evaluation: Evaluation) -> list[Grid]:
    """Each segment, and what is taken for what where anything is."""
    taken = _confusions(evaluation)
    return [_segments(evaluation), *([taken] if taken.rows else [])]


def _segments(evaluation: Evaluation) -> Grid:
    head = (_("segment"), _("creatives"), _("precision"), _("recall"), "F1")
    rows = tuple(
        (
            segment_title(one.number),
            str(one.count),
            shown(one.precision),
            shown(one.recall),
            shown(one.f1),
        )
        for one in evaluation.segments
    )
    return Grid(_("Segments"), head, rows)


def _confusions(evaluation: Evaluation) -> Grid:
    pairs = sorted(
        (-int(evaluation.confusion[true, said]), true, said)
        for true in range(len(NUMBERS))
        for said in range(len(NUMBERS))
        if true != said and evaluation.confusion[true, said]
    )
    rows = tuple(
        (f"{segment_title(NUMBERS[true])} → {segment_title(NUMBERS[said])}", str(-count))
        for count, true, said in pairs[:LARGEST_CONFUSIONS]
    )
    head = (_("labelled as → decided as"), _("creatives"))
    return Grid(_("Most often taken for another segment"), head, rows)


def shown(value: float) -> str:
    """A figure between 0 and 1, as the reader's language writes it."""
    return format_number(value, 3)


def percent(value: float, digits: int = 1) -> str:
    """A share between 0 and 1 in per cent."""
    return f"{format_number(100 * value, digits)} %"

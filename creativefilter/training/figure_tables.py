"""Figures of evaluations as tables of formatted cells, for the terminal and for pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from creativefilter.creatives.segments.directory import Directory
from creativefilter.ui.formats import format_number

if TYPE_CHECKING:
    from classifier.evaluation.figures import Coverage, Evaluation

LARGEST_CONFUSIONS = 5
NONE = "—"


@dataclass(frozen=True, slots=True)
class Measured:
    """An evaluation with its title in the user's language."""

    title: str
    evaluation: Evaluation


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of formatted cells: the first column names the row, the others have figures."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def as_text(self) -> str:
        """Return the table as aligned text for a terminal."""
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


def segment_titles(numbers: Sequence[int]) -> dict[int, str]:
    """Return number and name of each segment, in the active language."""
    directory = Directory.read_or_shipped()
    return {number: directory.title(number) for number in numbers}


def quality(measured: Sequence[Measured]) -> Grid:
    """Return a table of the overall figures: a row for each evaluation."""
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
                format_figure(figures.macro_f1),
                f"{format_figure(low)}–{format_figure(high)}",
                format_figure(figures.accuracy),
                format_figure(figures.ece) if decided else NONE,
            )
        )
    return Grid(_("How well the segments are found"), head, tuple(rows))


def automation(measured: Sequence[Measured]) -> Grid:
    """Return a table of coverage and precision at each wanted precision."""
    targets = [one.target for one in measured[0].evaluation.coverage]
    head = ("", *(_("at %s") % percent(target, 0) for target in targets))
    rows = [(one.title, *map(_coverage, one.evaluation.coverage)) for one in measured]
    title = _("Coverage at the promised precision (measured precision)")
    return Grid(title, head, tuple(rows))


def _coverage(one: Coverage) -> str:
    return f"{percent(one.share)} ({percent(one.precision) if one.share else NONE})"


def details(evaluation: Evaluation) -> list[Grid]:
    """Return a table of the segments' figures and, if there are any, one of the confusions."""
    taken = _confusions(evaluation)
    return [_segments(evaluation), *([taken] if taken.rows else [])]


def _segments(evaluation: Evaluation) -> Grid:
    head = (_("segment"), _("creatives"), _("precision"), _("recall"), "F1")
    titles = segment_titles(evaluation.numbers)
    rows = tuple(
        (
            titles[one.number],
            str(one.count),
            format_figure(one.precision),
            format_figure(one.recall),
            format_figure(one.f1),
        )
        for one in evaluation.segments
    )
    return Grid(_("Segments"), head, rows)


def _confusions(evaluation: Evaluation) -> Grid:
    numbers = evaluation.numbers
    pairs = sorted(
        (-int(evaluation.confusion[actual, predicted]), actual, predicted)
        for actual in range(len(numbers))
        for predicted in range(len(numbers))
        if actual != predicted and evaluation.confusion[actual, predicted]
    )
    titles = segment_titles(numbers)
    rows = tuple(
        (f"{titles[numbers[actual]]} → {titles[numbers[predicted]]}", str(-count))
        for count, actual, predicted in pairs[:LARGEST_CONFUSIONS]
    )
    head = (_("labelled as → decided as"), _("creatives"))
    return Grid(_("Most often confused segments"), head, rows)


def format_figure(value: float) -> str:
    """Format a figure between 0 and 1 with three digits, in the user's language."""
    return format_number(value, 3)


def percent(value: float, digits: int = 1) -> str:
    """Format a share between 0 and 1 in per cent."""
    return f"{format_number(100 * value, digits)} %"

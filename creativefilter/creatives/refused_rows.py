"""Rows of tables that can't be used, with the reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from creativefilter.sheets import Place
from creativefilter.site.errors import UserError


class CellError(ValueError):
    """A cell can't be used; the message is for the user who uploaded the table."""


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """Why a row was not used."""

    row: Place
    reason: str

    def __str__(self) -> str:
        return _("Row %(row)s: %(reason)s") % {"row": self.row, "reason": self.reason}


class RowsError(UserError):
    """Some rows of a table can't be used, and the table is only accepted whole."""

    SHOWN = 10

    def __init__(self, problems: Sequence[RefusedRow]) -> None:
        self.problems = problems
        count = _("Rows that can't be used: %d.") % len(problems)
        super().__init__("\n".join([count, *map(str, problems[: self.SHOWN])]))

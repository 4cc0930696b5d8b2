"""Parser of amounts as people write them: decimal comma or point, thousands, currency sign."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from creativefilter.spend.fields import PLACES, UNIT
from creativefilter.spend.models import BadRow

Reason = BadRow.Reason
# Roubles. A larger amount means that another column was taken for the cost. The limit also leaves
# room for sums: ``MoneyField`` holds 9,223 times as much.
MAX_AMOUNT = 10**11

_POWERS = [10 ** (PLACES - n) for n in range(PLACES + 1)]
_CURRENCY = re.compile(r"(?:₽|руб\.?|р\.|rub\.?)$", re.IGNORECASE)
# White space, also no-break spaces, before a group of three digits.
_GROUPS = re.compile(r"(?<=\d)\s(?=\d{3}(?!\d))")
_PLAIN = re.compile(r"[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_MARKED = re.compile(r"[-+\d\s]*\d([.,])(\d+)", re.ASCII)


class AmountError(ValueError):
    """A cell holds no usable amount; ``reason`` says why."""

    def __init__(self, reason: BadRow.Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Marks:
    """Decimal mark of a column, and its thousands mark: the other sign, or "" for spaces only."""

    decimal: str
    thousands: str


def marks_of(cells: Iterable[object], *, default: str) -> Marks:
    """Detect the marks of a column from a sample of its cells.

    If a number has both a point and a comma, the last of them is the decimal mark; one that repeats
    is a thousands mark. A number such as "1,234" may be read either way: it counts only if no
    number is clear.

    Args:
        cells: Sample of the column. Cells that are not text are ignored.
        default: The decimal mark ("." or ",") if the sample does not decide.
    """
    clear, faint = {".": 0, ",": 0}, {".": 0, ",": 0}
    grouped = False
    for cell in cells:
        if not isinstance(cell, str):
            continue
        found = [sign for sign in cell if sign in ".,"]
        if len(set(found)) == 2:
            clear[found[-1]] += 1
            grouped = True
        elif len(found) > 1:
            clear["," if found[0] == "." else "."] += 1
            grouped = True
        elif found and (match := _MARKED.match(cell)):
            (faint if len(match[2]) == 3 else clear)[match[1]] += 1
    votes = clear if any(clear.values()) else faint
    other = "," if default == "." else "."
    decimal = other if votes[other] > votes[default] else default
    return Marks(decimal, ("," if decimal == "." else ".") if grouped else "")


class AmountReader:
    """Reader of one file's cost column.

    ``rounded`` counts the amounts that were rounded to four decimal places.
    """

    def __init__(self, marks: Marks) -> None:
        self.marks = marks
        self.rounded = 0
        self._thousands = (
            re.compile(rf"(?<=\d){re.escape(marks.thousands)}(?=\d{{3}}(?!\d))")
            if marks.thousands
            else None
        )

    def units(self, cell: object) -> int:
        """Convert a cell to ten-thousandths of a rouble.

        Raises:
            AmountError: The cell is blank, no number, negative, or ``MAX_AMOUNT`` or more.
        """
        if isinstance(cell, str) and len(cell) <= 16:
            whole, _, part = cell.partition(self.marks.decimal)
            if (
                whole.isdecimal()
                and len(whole) <= 11
                and len(part) <= PLACES
                and (not part or part.isdecimal())
            ):
                return int(whole + part) * _POWERS[len(part)]
        return self._parse(cell)

    def _parse(self, cell: object) -> int:
        amount = self._decimal(cell)
        if amount < 0:
            raise AmountError(Reason.NEGATIVE)
        if amount >= MAX_AMOUNT:
            raise AmountError(Reason.TOO_MUCH)
        scaled = amount * UNIT
        rounded = scaled.quantize(Decimal(1), ROUND_HALF_EVEN)
        self.rounded += rounded != scaled
        return int(rounded)

    def _decimal(self, cell: object) -> Decimal:
        if isinstance(cell, float):
            # A spreadsheet shows 15 digits; the digits after these come from binary fractions.
            text = f"{cell:.15g}"
        elif isinstance(cell, int):
            text = str(cell)
        else:
            text = self._plain(str(cell))
        if not text:
            raise AmountError(Reason.NO_AMOUNT)
        if not _PLAIN.fullmatch(text):
            raise AmountError(Reason.NOT_A_NUMBER)
        try:
            return Decimal(text)
        except InvalidOperation as error:
            raise AmountError(Reason.NOT_A_NUMBER) from error

    def _plain(self, text: str) -> str:
        """Rewrite a cell with a decimal point and without thousands marks and currency."""
        text = _CURRENCY.sub("", text.strip()).rstrip().replace("−", "-")
        text = _GROUPS.sub("", text)
        if self._thousands:
            text = self._thousands.sub("", text)
        if self.marks.decimal == "," and "." in text:
            return "?"  # no number: a point that does not separate thousands
        return text.replace(self.marks.decimal, ".") if text else text

"""Model field for money that SQLite and PostgreSQL both sum exactly.

SQLite stores decimals as binary floating point, so their sums are inexact. This field stores a
whole number of ten-thousandths of a rouble instead (the scale of the currency type in Excel and
SQL Server). Sums are exact up to 922,337,203,685,477 roubles, the range of a 64-bit integer.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import models

PLACES = 4
UNIT = 10**PLACES

if TYPE_CHECKING:
    _Field = models.Field[Decimal | int | str, Decimal]
else:
    _Field = models.Field


class MoneyField(_Field):
    """Roubles as a ``Decimal``; ``Sum`` and comparisons work as with other numeric fields.

    Raw SQL and arithmetic with ``F`` work on ten-thousandths of a rouble: an amount in an
    expression must be ``Value(amount, output_field=MoneyField())``.
    """

    def get_internal_type(self) -> str:
        return "BigIntegerField"

    def from_db_value(self, value: int | None, *_: Any) -> Decimal | None:
        return roubles(value) if value is not None else None

    def to_python(self, value: Any) -> Decimal | None:
        return Decimal(value) if value is not None else None

    def get_prep_value(self, value: Any) -> int | None:
        value = super().get_prep_value(value)
        return None if value is None else units(Decimal(value))


def roubles(value: int) -> Decimal:
    """Convert ten-thousandths of a rouble, as stored in the column, to roubles."""
    return Decimal(value).scaleb(-PLACES)


def units(amount: Decimal) -> int:
    """Convert roubles to ten-thousandths of a rouble, as stored in the column.

    Raises:
        ValueError: The amount has more than four decimal places.
    """
    scaled = amount.scaleb(PLACES)
    if scaled != int(scaled):
        raise ValueError(f"{amount} has more than {PLACES} decimal places")
    return int(scaled)

"""Money in a column that every database sums exactly.

SQLite keeps decimals as binary fractions, and their sums go wrong. A whole number of
ten-thousandths of a rouble (the scale of the currency type in Excel and SQL Server) is exact on
SQLite and PostgreSQL alike; sums are exact up to 922,337,203,685,477 roubles.
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
    """Roubles as a ``Decimal``; ``Sum`` and comparisons work as on any number.

    Raw SQL sees ten-thousandths of a rouble, and so does arithmetic with ``F``: an amount in it
    must be ``Value(amount, output_field=MoneyField())``.
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
    """Roubles out of what the column holds."""
    return Decimal(value).scaleb(-PLACES)


def units(amount: Decimal) -> int:
    """What the column holds for an amount; raises ``ValueError`` past four decimal places."""
    scaled = amount.scaleb(PLACES)
    if scaled != int(scaled):
        raise ValueError(f"{amount} has more than {PLACES} decimal places")
    return int(scaled)

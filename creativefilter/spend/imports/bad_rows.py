"""The bad rows of a file as a table that people can correct and import."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from django.utils.translation import gettext as _

from creativefilter.sheets.write import ColumnType, Sheet, csv_lines
from creativefilter.site.database import in_batches
from creativefilter.spend.imports.rows import Bad
from creativefilter.spend.models import BadRow, SpendImport


def of(spend_import: SpendImport) -> Iterator[Bad]:
    """Yield the bad rows found by the last check of the file, in the order of the file."""
    for row in in_batches(BadRow.objects.filter(spend_import=spend_import)):
        yield Bad(row.line, BadRow.Reason(row.reason), row.cells, row.sheet)


def as_csv(header: Sequence[str], rows: Iterable[Bad]) -> Iterator[str]:
    """Yield the lines of a CSV file for Russian Excel, to be encoded as UTF-8.

    The text starts with a byte order mark, and cells are separated by semicolons. The first columns
    are line number and reason, the others those of the file. Cells that Excel would take for
    formulas are escaped.

    Args:
        header: Column titles of the file.
        rows: The bad rows.
    """
    columns = [(_("line of the file"), ColumnType.TEXT), (_("reason"), ColumnType.TEXT)]
    columns += [(title, ColumnType.AS_IT_CAME) for title in header]
    cells = ([row.place, str(row.reason.label), *row.cells] for row in rows)
    return csv_lines(Sheet(columns, cells), excel=True)

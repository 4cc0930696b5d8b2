"""The bad rows of a file as a table that can be corrected and imported in its turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from django.utils.translation import gettext as _

from creativefilter.sheets.write import ColumnType, Sheet, csv_lines
from creativefilter.site.database import in_batches
from creativefilter.spend.imports.rows import Bad
from creativefilter.spend.models import BadRow, SpendImport


def of(spend_import: SpendImport) -> Iterator[Bad]:
    """The bad rows that were found when the file was looked at last, in the file's order."""
    for row in in_batches(BadRow.objects.filter(spend_import=spend_import)):
        yield Bad(row.line, BadRow.Reason(row.reason), row.cells, row.sheet)


def as_csv(header: Sequence[str], rows: Iterable[Bad]) -> Iterator[str]:
    """Lines of a CSV file for Russian Excel: UTF-8 with BOM (once encoded), semicolons.

    The cells stand under the file's own headings, behind line number and reason; no cell is
    taken for a formula.
    """
    columns = [(_("line of the file"), ColumnType.TEXT), (_("reason"), ColumnType.TEXT)]
    columns += [(title, ColumnType.AS_IT_CAME) for title in header]
    cells = ([row.place, str(row.reason.label), *row.cells] for row in rows)
    return csv_lines(Sheet(columns, cells), excel=True)

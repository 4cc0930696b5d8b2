"""The bad rows of a file as a table that can be corrected and imported in its turn."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from django.utils.translation import gettext as _

from creativefilter.spend.imports.reading.rows import Bad
from creativefilter.spend.models import BadRow, SpendImport

BOM = "\ufeff"
# A number is none of the formulas that a cell may begin with: "-5" stays what it is.
_NUMBER = re.compile(r"[+-]?[\d\s]*[.,]?\d+")


def of(spend_import: SpendImport) -> Iterator[Bad]:
    """The bad rows that were found when the file was looked at last, in the file's order."""
    for row in BadRow.objects.filter(spend_import=spend_import).order_by("pk").iterator():
        yield Bad(row.line, BadRow.Reason(row.reason), row.cells)


def as_csv(header: Sequence[str], rows: Iterable[Bad]) -> Iterator[str]:
    """Lines of a CSV file for Russian Excel: UTF-8 with BOM (once encoded), semicolons.

    The cells stand under the file's own headings, behind line number and reason; no cell is
    taken for a formula.
    """
    from creativefilter.creatives.cells import harmless

    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";")

    def line(cells: Sequence[str]) -> str:
        buffer.seek(0)
        buffer.truncate()
        writer.writerow(c if _NUMBER.fullmatch(c) else harmless(c) for c in cells)
        return buffer.getvalue()

    yield BOM + line([_("line of the file"), _("reason"), *header])
    for row in rows:
        yield line([str(row.line), str(row.reason.label), *row.cells])

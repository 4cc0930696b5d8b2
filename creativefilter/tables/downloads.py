"""The answer as a browser or a program takes it."""

from __future__ import annotations

from django.http import FileResponse, Http404

from creativefilter.tables.models import Table

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def attachment(table: Table) -> FileResponse:
    """A table that is done, under its own name. Raises ``Http404`` if its file is gone."""
    try:
        file = table.result.storage.open(str(table.result.name), "rb")
    except FileNotFoundError as error:
        raise Http404 from error
    return FileResponse(
        file,
        as_attachment=True,
        filename=table.result_name,
        content_type=XLSX if table.is_xlsx else "text/csv",
    )

"""Download of a classified table, for pages and the API."""

from __future__ import annotations

from django.http import FileResponse, Http404

from creativefilter.tables.models import Table

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def attachment(table: Table) -> FileResponse:
    """Return the classified table as an attachment.

    Raises:
        Http404: the file is gone.
    """
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

"""Downloads of tables as XLSX or CSV."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO, Any
from urllib.parse import quote

from django.http import FileResponse, Http404, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from creativefilter.sheets.write import Form, Sheet, csv_chunks, write_xlsx
from creativefilter.spend.admin.filter_bar import address
from creativefilter.spend.reports.filters import Filters


def form_of(text: str) -> Form:
    """Parse the format of a file from an address.

    Raises:
        Http404: There is no such format.
    """
    try:
        return Form(text)
    except ValueError as error:
        raise Http404 from error


def downloads(view: str, filters: Filters, *arguments: Any) -> list[dict[str, str]]:
    """Return a download link for each format.

    Args:
        view: Name of the URL, without "spend_".
        filters: Filters of the table.
        arguments: Arguments of the URL that come before the format.
    """
    titles = {
        Form.XLSX: ("XLSX", ""),
        Form.CSV: ("CSV", _("UTF-8, commas")),
        Form.EXCEL_CSV: (_("CSV for Excel"), _("UTF-8 with BOM, semicolons, decimal commas")),
    }
    return [
        {"title": title, "hint": hint, "address": address(view, filters, *arguments, form)}
        for form, (title, hint) in titles.items()
    ]


def file_name(what: str, filters: Filters) -> str:
    """Return a file name without suffix, from the content and the months of the filters."""
    period = ""
    if filters.first or filters.last:
        first = f"{filters.first:%Y-%m}" if filters.first else "…"
        last = f"{filters.last:%Y-%m}" if filters.last else "…"
        period = first if first == last else f"{first}–{last}"
    return " ".join(part for part in (what, period) if part)


def as_file(sheet: Sheet, form: Form, name: str) -> HttpResponseBase:
    """Return a table as a download. CSV is streamed; XLSX is written to a temporary file first."""
    response: HttpResponseBase
    if form is Form.XLSX:
        file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  the response closes it
        write_xlsx(sheet, file)
        file.seek(0)
        response = FileResponse(file, content_type=form.content_type)
    else:
        chunks = csv_chunks(sheet, excel=form is Form.EXCEL_CSV)
        chunks = _in_language(chunks, get_language() or "ru")
        response = StreamingHttpResponse(chunks, content_type=form.content_type)
    return attached(response, f"{name}{form.suffix}")


def _in_language(chunks: Iterator[bytes], language: str) -> Iterator[bytes]:
    """Yield the chunks, each produced in this language.

    When a response is streamed, the language of its request is no longer active.
    """
    while True:
        with override(language):
            chunk = next(chunks, None)
        if chunk is None:
            return
        yield chunk


def attached(response: HttpResponseBase, name: str) -> HttpResponseBase:
    """Make a response a download with this file name, in any alphabet (RFC 6266)."""
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return response

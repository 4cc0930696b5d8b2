"""The catalogue of codes: why something was refused, failed, or has no result.

A code is stored with jobs, creatives and imports and is part of the API, so none is renamed.
Each stands once in a module of this package, with its HTTP status and its English sentence; the
Russian one is in ``locale``. Programs decide by the code, people read the sentence. Codes of the
protocol itself (``not_authenticated``, ``invalid_input`` …) belong to ``api``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from creativefilter.site.codes import creatives, engines, jobs, spend, tables, uploads, webhooks
from creativefilter.site.codes.code import Code
from creativefilter.site.errors import UserError

CODES: dict[str, Code] = {
    **uploads.CODES,
    **creatives.CODES,
    **engines.CODES,
    **jobs.CODES,
    **tables.CODES,
    **spend.CODES,
    **webhooks.CODES,
}

# Codes that are stored with old jobs and imports, and what is said instead today.
REPLACED = {
    "spend_no_file": "table_no_file", "spend_empty": "empty", "spend_no_rows": "table_no_rows",
    "spend_not_a_table": "table_no_column", "spend_old_excel": "table_no_workbook",
    "spend_missing_column": "table_missing_column",
    "spend_duplicate_column": "table_duplicate_column", "spend_damaged": "table_damaged",
    "spend_encrypted": "table_archive_password", "spend_too_large": "table_too_large",
    "spend_archive": "table_archive", "table_empty": "empty", "table_not_a_table": "table_nul",
    "table_two_columns": "table_ambiguous", "table_old_excel": "table_no_workbook",
    "table_utf16": "table_no_column",
}  # fmt: skip


class CodedError(UserError):
    """A request that can't be carried out, for a reason of the catalogue.

    ``params`` fill the placeholders of its sentence; ``str`` gives that in the language of the
    reader.
    """

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params

    def __str__(self) -> str:
        return sentence(self.code, self.params)

    @property
    def status(self) -> int:
        return status_of(self.code)


def sentence(code: str, params: Mapping[str, Any] | None = None) -> str:
    """The sentence of a code in the language of the reader; a code that is unknown as it is.

    Parameters that are not given are shown as "…": of an old job only the code may be kept.
    """
    code = REPLACED.get(code, code)
    if code not in CODES:
        return code
    return str(CODES[code].sentence % _Parameters(params or {}))


def status_of(code: str) -> int:
    """The HTTP status of a code; 500 for one that is no error or is unknown."""
    entry = CODES.get(code)
    return entry.status or 500 if entry else 500


class _Parameters(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "…"

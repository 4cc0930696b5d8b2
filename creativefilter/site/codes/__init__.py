"""Catalogue of codes: why a request was refused, a job failed, or a row has no result.

Codes are stored with jobs, creatives and imports and are part of the API: never rename one. Each is
defined once, in a module of this package, with its HTTP status and its English sentence; the
Russian sentence is in ``locale``. Programs use the code, people read the sentence. Codes of the
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

# Former codes that old jobs and imports store, and the current ones.
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
    """An error with a code of the catalogue; ``str`` gives its sentence in the reader's language.

    Args:
        code: The code.
        params: Values for the placeholders of its sentence.
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
    """Return the sentence of a code in the reader's language.

    Args:
        code: A code, current or former.
        params: Values for its placeholders. Missing ones are shown as "…": old jobs may have
            stored the code only.

    Returns:
        The sentence; the code itself if it is unknown.
    """
    code = REPLACED.get(code, code)
    if code not in CODES:
        return code
    return str(CODES[code].sentence % _Parameters(params or {}))


def status_of(code: str) -> int:
    """Return the HTTP status of a code; 500 for one that is no error or is unknown.

    Args:
        code: A code, current or former.
    """
    entry = CODES.get(REPLACED.get(code, code))
    return entry.status or 500 if entry else 500


class _Parameters(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "…"

"""Tables of creatives in and out: CSV as Russian offices save it, and XLSX."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from django.utils.translation import gettext as _

from creativefilter.site.errors import UserError


class TableError(UserError):
    """A table can't be read or written; the message is for the person who gave it."""


def read_table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """A CSV or XLSX file as text cells, blanks as "", without blank rows. Raises ``TableError``.

    The index counts the rows below the heading as they stand in the file. CSV: UTF-8 with or
    without BOM, else cp1251; comma, semicolon or tab by the header line.
    """
    try:
        if path.suffix.lower() == ".xlsx":
            table = pd.read_excel(path, dtype=str, keep_default_na=False)
        else:
            table = _read_csv(path)
    except FileNotFoundError as error:
        raise TableError(_("There is no file %s.") % path) from error
    except pd.errors.ParserWarning as error:
        raise TableError(
            _("%s can't be read: the first row has more cells than the heading.") % path
        ) from error
    except (ValueError, OSError, KeyError, zipfile.BadZipFile) as error:
        raise TableError(_("%(path)s can't be read: %(why)s") % {"path": path, "why": error}) from (
            error
        )
    missing = [column for column in columns if column not in table.columns]
    if missing:
        names = ", ".join(f"«{name}»" for name in missing)
        raise TableError(_("%(path)s has no column %(names)s.") % {"path": path, "names": names})
    table = table.fillna("")
    return table[(table != "").any(axis=1)]


def numbered(table: pd.DataFrame, *columns: str) -> Iterator[tuple[Any, ...]]:
    """Each row's number in a spreadsheet program (the heading is 1), then its cells."""
    return zip(table.index + 2, *(table[column] for column in columns), strict=True)


def _read_csv(path: Path) -> pd.DataFrame:
    raw = path.read_bytes()
    try:
        raw.decode("utf-8-sig")
        encoding = "utf-8-sig"
    except UnicodeDecodeError:
        encoding = "cp1251"
    header = raw.split(b"\n", 1)[0].decode(encoding, "replace")
    delimiter = max((",", ";", "\t"), key=header.count)
    with warnings.catch_warnings():
        # A first row with more cells than the heading: pandas would drop or shift them.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(
            path,
            sep=delimiter,
            encoding=encoding,
            dtype=str,
            keep_default_na=False,
            index_col=False,
            skip_blank_lines=False,
        )


def write_table(table: pd.DataFrame, path: Path) -> None:
    """As XLSX if the path ends so, else as CSV (UTF-8). Raises ``TableError``."""
    try:
        if path.suffix.lower() == ".xlsx":
            table.to_excel(path, index=False)
        else:
            table.to_csv(path, index=False)
    except OSError as error:
        raise TableError(
            _("%(path)s can't be written: %(why)s") % {"path": path, "why": error}
        ) from error

"""Tables that say which Advertisement ID a file belongs to, where its name does not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from django.utils.translation import gettext as _

from creativefilter.creatives.intake.file_names import advertisement_id_of

ID = "Advertisement ID"
FILE_COLUMNS = ("file", "file name", "filename", "name", "файл", "имя файла", "имя")


def read(path: Path) -> dict[str, str]:
    """Advertisement IDs by file name, for ``id_of``. Raises ``TableError``.

    CSV or XLSX with the columns ``Advertisement ID`` and ``file`` (or another of FILE_COLUMNS).
    """
    from creativefilter.creatives.tables import TableError, numbered, read_table

    table = read_table(path, (ID,))
    named = [column for column in table.columns if str(column).strip().casefold() in FILE_COLUMNS]
    if not named:
        raise TableError(_("The table has no column with file names: «file» or «файл»."))
    ids: dict[str, str] = {}
    for row, file, given in numbered(table, named[0], ID):
        name, advertisement_id = _key(file), given.strip()
        if not name or not advertisement_id:
            continue
        if ids.setdefault(name, advertisement_id) != advertisement_id:
            raise TableError(
                _("Row %(row)d: «%(file)s» has got another Advertisement ID before.")
                % {"row": row, "file": file}
            )
    return ids


def id_of(name: str, ids: Mapping[str, str]) -> str | None:
    """The ID of a file: by its whole name, by its name without the extension, or its number."""
    key = _key(name)
    return ids.get(key) or ids.get(PurePosixPath(key).stem) or advertisement_id_of(name)


def _key(name: str) -> str:
    return PurePosixPath(name.strip().replace("\\", "/")).name.casefold()

"""Uploads in a folder of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible


@deconstructible(path="creativefilter.site.folder.Folder")
class Folder(FileSystemStorage):
    """Django's own, which leaves nothing of a file that could not be written to its end."""

    def _save(self, name: str, content: Any) -> str:
        try:
            return str(super()._save(name, content))  # type: ignore[misc]
        except BaseException:
            # Names are our own and new each time: it is nobody else's.
            self.delete(name)
            raise

    def walk(self, folder: str) -> Iterator[tuple[str, float]]:
        """Yield name and time of the last change (seconds since 1970) of every file below a folder.

        Files that come or go meanwhile may be among them or not.
        """
        try:
            entries = list(os.scandir(self.path(folder)))
        except (FileNotFoundError, NotADirectoryError):
            return
        for entry in entries:
            name = f"{folder}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                yield from self.walk(name)
                continue
            with suppress(FileNotFoundError):
                yield name, entry.stat().st_mtime

    def move(self, name: str, target: str) -> None:
        """Give a file another name. Raises ``FileNotFoundError``."""
        path = Path(self.path(target))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        Path(self.path(name)).rename(path)

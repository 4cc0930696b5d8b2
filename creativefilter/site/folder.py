"""Storage of uploads in a local folder."""

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
    """Django's file storage that removes a file if writing it fails halfway."""

    def _save(self, name: str, content: Any) -> str:
        try:
            return str(super()._save(name, content))  # type: ignore[misc]
        except BaseException:
            # Safe: names are generated and unique, so no other upload has this one.
            self.delete(name)
            raise

    def walk(self, folder: str) -> Iterator[tuple[str, float]]:
        """Yield name and modification time (Unix seconds) of every file below a folder.

        Files that are added or removed meanwhile may or may not be among them.
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
        """Rename a file; raises ``FileNotFoundError``."""
        path = Path(self.path(target))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        Path(self.path(name)).rename(path)

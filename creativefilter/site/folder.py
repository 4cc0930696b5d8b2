"""Uploads in a folder of this machine."""

from __future__ import annotations

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

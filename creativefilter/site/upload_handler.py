"""Upload handler that leaves no partial file on a full disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.core.files.uploadhandler import TemporaryFileUploadHandler


class TemporaryFile(TemporaryFileUploadHandler):
    """Django's handler that removes its temporary file at once if writing it fails."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        with self._removed_on_failure():
            super().receive_data_chunk(raw_data, start)

    def file_complete(self, file_size: int) -> Any:
        with self._removed_on_failure():
            return super().file_complete(file_size)

    @contextmanager
    def _removed_on_failure(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            with suppress(OSError):  # flushing the buffer fails, too
                self.file.close()
            raise

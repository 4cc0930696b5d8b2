"""Files of the storage, wherever that is: in a folder of this machine or behind a protocol."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from django.db.models.fields.files import FieldFile

CHUNK = 1024 * 1024


class TooLongError(ValueError):
    """The storage gave more bytes than were to be read."""


@contextmanager
def on_disk(file: FieldFile, most: int) -> Iterator[Path]:
    """A path under which this process can open the file until the block ends.

    Of a file that lies elsewhere that is a copy without a name on any disk, so that nothing is
    left of it whoever is killed. Raises ``FileNotFoundError``, and ``TooLongError`` for a file
    elsewhere of more than ``most`` bytes.
    """
    try:
        here = Path(file.path)
    except NotImplementedError:
        with tempfile.TemporaryFile() as copy:
            _copy(file, copy, most)
            # Opened again by this name it is read from its beginning, by whoever wants to.
            yield Path(f"/proc/self/fd/{copy.fileno()}")
    else:
        yield here


def _copy(file: FieldFile, target: BinaryIO, most: int) -> None:
    with streamed(file) as source:
        while chunk := source.read(CHUNK):
            if target.tell() + len(chunk) > most:
                raise TooLongError(f"{file.name}: more than {most} bytes")
            target.write(chunk)
    target.flush()


def streamed(file: FieldFile) -> BinaryIO:
    """The file for reading, wherever one seeks to, never whole in memory nor on this disk.

    Raises ``FileNotFoundError``.
    """
    storage, name = file.storage, str(file.name)
    opened = storage.stream(name) if hasattr(storage, "stream") else storage.open(name, "rb")
    return cast(BinaryIO, opened)

"""Address of the embedded broker, for commands that are started beside the application.

The address is in a file of the data folder that only its owner can read, since it contains the
password. The application holds a lock on that file; the kernel releases the lock when the
application ends, even if it is killed.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILE = "broker-address"


@contextmanager
def announced(folder: Path, url: str) -> Iterator[None]:
    """Publish the broker's address for other processes on this data folder until the block ends.

    Args:
        folder: The data folder.
        url: The address with its password.
    """
    path = folder / FILE
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(url)
        file.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def of_running_application(folder: Path) -> str:
    """Return the broker's address; "" if no application of this user runs on the data folder."""
    try:
        with (folder / FILE).open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read()
    except OSError:
        pass
    return ""

"""Where the broker of the running application is, for commands that are started beside it.

The address is in a file of the data folder that only its owner can read: it carries the password.
The application holds a lock on that file, which ends with it however it ends.
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
    """Let other processes on this data folder find the broker until the block ends."""
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
    """The address of the broker; "" if no application of this user runs on the data folder."""
    try:
        with (folder / FILE).open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read()
    except OSError:
        pass
    return ""

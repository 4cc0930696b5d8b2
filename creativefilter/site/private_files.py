"""Nobody but the account of the application reads its files."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

OTHERS = 0o077


def keep_private(**_signal: Any) -> None:
    """What this process and its children write from now on, only their account can open."""
    os.umask(OTHERS)


def open_to_others(folder: Path) -> list[Path]:
    """Return of a folder and what lies directly in it that which other accounts can open."""
    found = []
    for path in (folder, *sorted(folder.iterdir())):
        with suppress(FileNotFoundError):  # it has gone since
            if path.lstat().st_mode & OTHERS and not path.is_symlink():
                found.append(path)
    return found


def tighten(folder: Path) -> None:
    """Make a folder and what lies directly in it private; deeper down nobody else comes.

    What belongs to another account stays as it is, with a warning.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in open_to_others(folder):
        try:
            path.chmod(path.stat().st_mode & ~OTHERS & 0o7777)
        except PermissionError:
            logger.warning("%s can be read by others, and belongs to another account", path)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read; one that is there is replaced."""
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)

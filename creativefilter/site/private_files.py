"""File permissions: only the application's account may open its files."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

OTHERS = 0o077


def keep_private(**_signal: Any) -> None:
    """Set the umask of this process and its children so that new files are private."""
    os.umask(OTHERS)


def open_to_others(folder: Path) -> list[Path]:
    """Return which of a folder and its direct entries other accounts can open.

    Symbolic links are left out.
    """
    found = []
    for path in (folder, *sorted(folder.iterdir())):
        with suppress(FileNotFoundError):  # removed since ``iterdir``
            if path.lstat().st_mode & OTHERS and not path.is_symlink():
                found.append(path)
    return found


def tighten(folder: Path) -> None:
    """Make a folder and its direct entries private; create the folder if there is none.

    That closes everything below them, too. Entries of another account stay as they are; a warning
    is logged.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in open_to_others(folder):
        try:
            with suppress(FileNotFoundError):  # removed since ``iterdir``
                path.chmod(path.stat().st_mode & ~OTHERS & 0o7777)
        except PermissionError:
            logger.warning("%s is open to other accounts and belongs to another account", path)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read; replace an existing one."""
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)

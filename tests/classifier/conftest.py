"""What the tests of this room share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


def processes_naming(text: str) -> list[int]:
    """The processes, other than this one, that have ``text`` on their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if text.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where decoding keeps its temporary folders; the test must leave it as it found it."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []
    assert processes_naming(str(folder)) == []


@pytest.fixture
def decoding(scratch: Path) -> Callable[[], list[int]]:
    """Call it for the decoding children that are alive."""
    return lambda: processes_naming(str(scratch))

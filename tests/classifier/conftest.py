"""What the tests of this room share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from classifier.media import pool


def _running(process: int, parent: int) -> bool:
    try:
        # After the name in brackets, which may hold anything: state and parent.
        state, of = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return False
    return int(of) == parent and state != "Z"


def media_children(process: int) -> list[int]:
    """The living children of ``process`` that decode or would."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _running(int(entry.name), process):
            with suppress(OSError):
                if b"classifier.media.child" in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
    return found


def decoding_for(process: int) -> list[int]:
    """The processes that decode a file for ``process``: the forks of its children."""
    return [fork for child in media_children(process) for fork in media_children(child)]


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The temporary folder; the test must leave it empty, and no decoder at work."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []
    assert decoding_for(os.getpid()) == []


@pytest.fixture
def decoding(scratch: Path) -> Callable[[int], list[int]]:
    """Call it with a process for the ones that decode for it."""
    return decoding_for


@pytest.fixture
def children() -> Callable[[int], list[int]]:
    """Call it with a process for the children that it keeps for decoding."""
    return media_children


@pytest.fixture
def fresh_children() -> Iterator[None]:
    """The test's first file gets a new child, and no other test gets this one's."""
    pool.close()
    yield
    pool.close()

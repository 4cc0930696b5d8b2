"""Fixtures for the tests of the classifier, mainly of its decoding processes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from classifier.media import pool


def _is_child(process: int, parent: int) -> bool:
    try:
        # The command name in brackets may contain anything; state and parent follow it.
        state, actual_parent = (
            Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[:2]
        )
    except OSError:
        return False
    return int(actual_parent) == parent and state != "Z"


def media_children(process: int) -> list[int]:
    """Return the process ids of the running decoding children of ``process``."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _is_child(int(entry.name), process):
            with suppress(OSError):
                if b"classifier.media.child" in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
    return found


def decoding_for(process: int) -> list[int]:
    """Return the processes that decode a file for ``process`` now: the forks of its children."""
    return [fork for child in media_children(process) for fork in media_children(child)]


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The temporary folder; afterwards it must be empty and no decoder may be running."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []
    assert decoding_for(os.getpid()) == []


@pytest.fixture
def decoding(scratch: Path) -> Callable[[int], list[int]]:
    """A function from a process id to the processes that decode a file for it now."""
    return decoding_for


@pytest.fixture
def children() -> Callable[[int], list[int]]:
    """A function from a process id to the decoding children of that process."""
    return media_children


@pytest.fixture
def fresh_children() -> Iterator[None]:
    """The first file of the test starts a new child, which no other test uses."""
    pool.close()
    yield
    pool.close()

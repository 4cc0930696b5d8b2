"""Other accounts of the machine can't read the application's files."""

from __future__ import annotations

import fcntl
import os
import re
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from creativefilter.settings.base import _embedded_secret
from tests.serving import copy_tables
from tests.stack import ROOT


def prepare(data: Path, umask: int = 0o022) -> str:
    """Run ``manage.py prepare`` in a process of its own and return its output."""
    env = {**os.environ, "DATA_DIR": str(data), "DATABASE_URL": f"sqlite:///{data / 'db.sqlite3'}",
           "WHISPER_MODEL": "tiny", "LANG": "en_US.UTF-8"}  # fmt: skip
    argv = [sys.executable, str(ROOT / "manage.py"), "prepare"]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, umask=umask, check=True)
    return done.stdout


def open_to_others(folder: Path) -> list[str]:
    paths = [folder, *folder.rglob("*")]
    return [f"{path}: {stat.filemode(path.stat().st_mode)}" for path in paths
            if path.stat().st_mode & 0o077]  # fmt: skip


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> tuple[Path, str]:
    """Data folder that was open to other accounts, after ``prepare``, and what that printed."""
    data = tmp_path_factory.mktemp("open") / "data"
    (data / "media" / "1").mkdir(parents=True)
    (data / "media" / "1" / "90000001.wav").write_bytes(b"x")
    (data / "secret-key").write_text("k" * 60)
    copy_tables(data)
    for path in (data, *data.iterdir()):
        path.chmod(path.stat().st_mode | 0o055)
    return data, prepare(data)


def test_data_folder_and_new_files_in_it_are_private(prepared: tuple[Path, str]) -> None:
    data, _printed = prepared
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    open_paths = [path for path in open_to_others(data) if "/media/1" not in path]
    assert open_paths == []
    assert (data / "db.sqlite3").exists()
    # Files in a folder that was open can't be reached any more.
    assert stat.S_IMODE((data / "media").stat().st_mode) == 0o700


def test_an_empty_key_file_is_filled_by_the_first_of_several_processes(tmp_path: Path) -> None:
    file = tmp_path / "secret-key"
    file.touch(0o600)
    with file.open() as locked, ThreadPoolExecutor(8) as threads:
        fcntl.flock(locked, fcntl.LOCK_EX)
        keys = [threads.submit(_embedded_secret, file) for _number in range(8)]
        fcntl.flock(locked, fcntl.LOCK_UN)
    [key] = {each.result() for each in keys}
    assert len(key) > 50
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == (key, 0o600)


def test_the_key_file_is_written_once_and_private(tmp_path: Path) -> None:
    file = tmp_path / "data" / "secret-key"
    key = _embedded_secret(file)
    assert _embedded_secret(file) == key
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == (key, 0o600)


def test_the_first_password_and_token_are_in_a_private_file_and_not_in_the_log(
    prepared: tuple[Path, str],
) -> None:
    data, printed = prepared
    secrets = (data / "first-login").read_text()
    match = re.search(r": admin, \S+ (\S+)\n.*: ([0-9a-f]{64})\n", secrets)
    assert match
    assert stat.S_IMODE((data / "first-login").stat().st_mode) == 0o600
    assert str(data / "first-login") in printed
    assert match[1] not in printed
    assert match[2] not in printed


@pytest.mark.django_db
def test_credentials_are_printed_on_a_terminal(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR, settings.WHISPER_MODEL = tmp_path, "tiny"
    reading_end, writing_end = os.openpty()
    with os.fdopen(writing_end, "w", encoding="utf-8") as terminal:
        call_command("prepare", stdout=terminal)
        terminal.flush()
        printed = os.read(reading_end, 4096)
    os.close(reading_end)
    assert re.search(rb": [0-9a-f]{64}\r\n", printed)
    assert not (tmp_path / "first-login").exists()


def test_uploads_are_private() -> None:
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage

    name = default_storage.save("private/1.wav", ContentFile(b"x"))
    path = Path(default_storage.path(name))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    default_storage.delete(name)

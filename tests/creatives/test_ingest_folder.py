"""``manage.py ingest``: repeated runs take each file in once."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command, execute_from_command_line

from creativefilter.creatives.management.commands import ingest as command
from creativefilter.creatives.models import Creative, MediaVersion
from creativefilter.jobs.models import Job
from creativefilter.site import broker_address
from tests.conftest import ROOT, database_url
from tests.tasks.queueing import waiting

__all__ = ["waiting"]

pytestmark = pytest.mark.django_db(transaction=True)

# A program that lets n files into the database and kills itself just before it writes the next.
DEADLY = """
import os, signal, sys
import django
django.setup()
from django.core.management import call_command
from creativefilter.creatives.intake import receiving
real, left = receiving._one_at_a_time, [int(sys.argv[2])]
def deadly(sha256):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    real(sha256)
receiving._one_at_a_time = deadly
call_command("ingest", sys.argv[1])
"""


def ingest(*arguments: object) -> str:
    out = StringIO()
    call_command("ingest", *map(str, arguments), stdout=out, stderr=out)
    return out.getvalue()


def a_folder(path: Path, count: int) -> Path:
    for number in range(count):
        inside = path / f"{number % 3}"
        inside.mkdir(parents=True, exist_ok=True)
        (inside / f"{7000 + number}.wav").write_bytes(b"no media, but bytes %d" % number)
    return path


def test_a_second_run_skips_known_files(folders: Path, tmp_path: Path) -> None:
    folder = a_folder(tmp_path / "in", 5)
    (folder / "notes.txt").write_text("no creative")
    assert "Новых: 5." in (printed := ingest(folder))
    assert "судя по имени, не креативы: 1" in printed
    assert Creative.objects.count() == Job.objects.count() == 5
    assert {job.urgency for job in Job.objects.all()} == {Job.Urgency.BATCH}
    assert "Новых: 0." in (printed := ingest(folder))
    assert "Уже было: 5." in printed
    assert Creative.objects.count() == Job.objects.count() == MediaVersion.objects.count() == 5
    (folder / "0" / "7000.wav").write_bytes(b"another version")
    assert "Новых: 1." in ingest(folder)
    assert Creative.objects.get(advertisement_id="7000").media.count() == 2


def test_a_killed_run_is_completed_by_the_next(folders: Path, tmp_path: Path) -> None:
    folder = a_folder(tmp_path / "in", 40)
    done = subprocess.run(
        [sys.executable, "-c", DEADLY, str(folder), "15"],
        cwd=ROOT,
        env=os.environ
        | {
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "creativefilter.settings",
            "DATA_DIR": str(Path(django_settings.MEDIA_ROOT).parent),
        },
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert 0 < Creative.objects.count() < 40
    ingest(folder)
    ids = sorted(Creative.objects.values_list("advertisement_id", flat=True))
    assert ids == [str(7000 + number) for number in range(40)]
    assert Job.objects.count() == MediaVersion.objects.count() == 40


def test_ids_are_taken_from_a_table(folders: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("Весна 10с.mp4", "spring.avi", "55.wav", "unlisted.wav"):
        (folder / name).write_bytes(name.encode())
    table = tmp_path / "ids.csv"
    table.write_bytes(
        "Файл;Advertisement ID\r\nвесна 10с.mp4;901\r\nSpring;902\r\n".encode("cp1251")
    )
    assert "Новых: 4." in ingest(folder, "--ids", table)
    found = dict(Creative.objects.values_list("name", "advertisement_id"))
    assert found == {"Весна 10с.mp4": "901", "spring.avi": "902", "55.wav": "55",
                     "unlisted.wav": None}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Advertisement ID,what\n1,2\n", "столбцов: file"),
        ("file\na.wav\n", "Advertisement ID"),
        ("file,Advertisement ID\na.wav,1\nA.WAV,2\n", "Строка 3"),
    ],
)
def test_a_bad_table_of_ids_stops_the_command_at_once(
    text: str, why: str, folders: Path, tmp_path: Path
) -> None:
    folder = a_folder(tmp_path / "in", 1)
    table = tmp_path / "ids.csv"
    table.write_text(text)
    with pytest.raises(CommandError, match=why):
        ingest(folder, "--ids", table)
    assert not Creative.objects.exists()


def test_a_missing_or_empty_folder_is_refused(folders: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError):
        ingest(tmp_path / "nowhere")
    with pytest.raises(CommandError):
        ingest(tmp_path)


def test_an_interrupt_prints_how_many_files_are_stored(
    folders: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[Path] = []

    def take_path(path: Path, *arguments: Any, **options: Any) -> Any:
        taken.append(path)
        if len(taken) == 9:
            os.kill(os.getpid(), signal.SIGINT)
        found = real(path, *arguments, **options)
        if len(taken) >= 9 and threading.current_thread() is oldest_thread():
            time.sleep(1)  # stored, but not counted before the other threads have ended
        return found

    def oldest_thread() -> threading.Thread:
        return next(thread for thread in threading.enumerate() if "_work" in thread.name)

    real = command.take_path
    monkeypatch.setattr(command, "take_path", take_path)
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    folder = a_folder(tmp_path / "in", 40)
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "ingest", str(folder)])
    assert ended.value.code == 130
    count = Creative.objects.count()
    assert 0 < count < 40
    printed = re.match(r"Interrupted\. New: (\d+)\. Already stored: 0\.", capsys.readouterr().err)
    assert printed is not None
    assert int(printed[1]) == count


def test_an_interrupt_during_the_start_waits_for_started_threads(
    folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []

    class Interrupted(threading.Thread):
        def start(self) -> None:
            super().start()
            threads.append(self)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(command.threading, "Thread", Interrupted)
    folder = a_folder(tmp_path / "in", 40)
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "ingest", str(folder)])
    assert ended.value.code == 130
    assert [thread.is_alive() for thread in threads] == [False]


def test_a_refused_file_makes_the_command_fail(
    folders: Path, tmp_path: Path, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.UPLOAD_MAX_BYTES = 100
    folder = a_folder(tmp_path / "in", 2)
    (folder / "0" / "7.wav").write_bytes(b"x" * 101)
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "ingest", str(folder)])
    assert ended.value.code == 1
    assert Creative.objects.count() == 2


def test_beside_a_running_application_the_jobs_are_queued_at_once(
    broker: Any, waiting: Callable[[str], int], folders: Path, tmp_path: Path
) -> None:
    folder = a_folder(tmp_path / "in", 2)

    def ingested() -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, "manage.py", "ingest", str(folder)],
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": database_url(), "DATA_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout, done.stderr

    with broker_address.announced(tmp_path, broker.url):
        assert stat.S_IMODE((tmp_path / broker_address.FILE).stat().st_mode) == 0o600
        ingested()
    assert waiting("cpu-batch") == 2
    assert Job.objects.filter(published_at=None).count() == 0
    # Without a broker the jobs wait in the database, and the output does not mention brokers.
    (folder / "0" / "7.wav").write_bytes(b"one more")
    out, err = ingested()
    assert waiting("cpu-batch") == 2
    assert Job.objects.filter(published_at=None).count() == 1
    assert err == ""
    assert len(out.splitlines()) == 3

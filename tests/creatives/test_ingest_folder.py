"""``manage.py ingest``: a folder goes in once, however often it is started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from creativefilter.creatives.models import Creative, MediaVersion
from creativefilter.jobs.models import Job
from tests.conftest import ROOT, database_url

pytestmark = pytest.mark.django_db(transaction=True)

# Kills itself when the n-th file is about to be written to the database.
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


def test_a_second_run_skips_what_is_in(folders: Path, tmp_path: Path) -> None:
    folder = a_folder(tmp_path / "in", 5)
    (folder / "notes.txt").write_text("no creative")
    assert "Новых: 5." in (said := ingest(folder))
    assert "по имени не креативы: 1" in said
    assert Creative.objects.count() == Job.objects.count() == 5
    assert {job.urgency for job in Job.objects.all()} == {Job.Urgency.BATCH}
    assert "Новых: 0." in (said := ingest(folder))
    assert "Уже было: 5." in said
    assert Creative.objects.count() == Job.objects.count() == MediaVersion.objects.count() == 5
    (folder / "0" / "7000.wav").write_bytes(b"another version")
    assert "Новых: 1." in ingest(folder)
    assert Creative.objects.get(advertisement_id="7000").media.count() == 2


def test_killed_in_the_middle_and_started_again(folders: Path, tmp_path: Path) -> None:
    folder = a_folder(tmp_path / "in", 40)
    done = subprocess.run(
        [sys.executable, "-c", DEADLY, str(folder), "15"],
        cwd=ROOT,
        env=os.environ
        | {
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "creativefilter.settings",
            "DATA_DIR": str(Path(settings.MEDIA_ROOT).parent),
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


def test_ids_from_a_table(folders: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("Весна 10с.mp4", "spring.avi", "55.wav", "nobody.wav"):
        (folder / name).write_bytes(name.encode())
    table = tmp_path / "ids.csv"
    table.write_bytes(
        "Файл;Advertisement ID\r\nвесна 10с.mp4;901\r\nSpring;902\r\n".encode("cp1251")
    )
    assert "Новых: 4." in ingest(folder, "--ids", table)
    found = dict(Creative.objects.values_list("name", "advertisement_id"))
    assert found == {"Весна 10с.mp4": "901", "spring.avi": "902", "55.wav": "55",
                     "nobody.wav": None}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Advertisement ID,what\n1,2\n", "именами файлов"),
        ("file\na.wav\n", "Advertisement ID"),
        ("file,Advertisement ID\na.wav,1\nA.WAV,2\n", "Строка 3"),
    ],
)
def test_a_table_that_is_none_stops_before_anything(
    text: str, why: str, folders: Path, tmp_path: Path
) -> None:
    folder = a_folder(tmp_path / "in", 1)
    table = tmp_path / "ids.csv"
    table.write_text(text)
    with pytest.raises(CommandError, match=why):
        ingest(folder, "--ids", table)
    assert not Creative.objects.exists()


def test_a_folder_without_creatives(folders: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError):
        ingest(tmp_path / "nowhere")
    with pytest.raises(CommandError):
        ingest(tmp_path)

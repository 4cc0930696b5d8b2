"""Files without rows are removed once they are a day old; other files stay."""

from __future__ import annotations

import os
import time
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.utils import translation

from creativefilter.creatives.analysis import working_copies
from creativefilter.creatives.intake import archive_jobs, orphans
from tests.creatives.analysing import stored_files, take_in
from tests.creatives.test_archives import packed

pytestmark = pytest.mark.django_db


def aged(path: Path) -> Path:
    long_ago = time.time() - 2 * 24 * 3600
    os.utime(path, (long_ago, long_ago))
    return path


def test_only_unknown_files_older_than_a_day_are_orphans(folders: Path) -> None:
    media = take_in(b"known", "1.wav").media
    kept = archive_jobs.start(ContentFile(packed(("1.wav", b"a"))), "a.zip", None, {})
    copies = working_copies.folder(media.pk)
    for folder in (copies, working_copies.folder(media.pk + 1), copies.with_name(".new-x")):
        folder.mkdir(parents=True)
        (folder / working_copies.AUDIO).write_bytes(b"x")
    fresh = working_copies.folder(media.pk + 2)
    fresh.mkdir(parents=True)
    for name in ("creatives/ab/ab12.wav", "archives/0.zip", "spend/f00", "tables/f00", "own/x"):
        default_storage.save(name, ContentFile(b"x"))
    for path in stored_files(folders):
        aged(path)
    for folder in (copies, working_copies.folder(media.pk + 1), copies.with_name(".new-x")):
        aged(folder)
    default_storage.save("creatives/cd/on-its-way.wav", ContentFile(b"x"))

    out = StringIO()
    call_command("remove_orphans", "--dry-run", stdout=out)
    assert "creatives/ab/ab12.wav" in out.getvalue()
    assert default_storage.exists("creatives/ab/ab12.wav")
    call_command("remove_orphans", stdout=out)
    left = {str(path.relative_to(folders)) for path in stored_files(folders)}
    assert left == {
        str(media.file.name),
        kept.params["archive"],
        "creatives/cd/on-its-way.wav",
        # A file of another program.
        "own/x",
    }
    assert (copies / working_copies.AUDIO).is_file()
    assert fresh.is_dir()
    assert not working_copies.folder(media.pk + 1).exists()
    assert not copies.with_name(".new-x").exists()


def test_nothing_is_removed_without_force_if_most_files_have_no_row(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphans, "FEW", 3)
    take_in(b"known", "1.wav")
    for number in range(5):
        default_storage.save(f"creatives/ab/{number}.wav", ContentFile(b"x"))
    for path in stored_files(folders):
        aged(path)
    refusal = "5 of the 6 files in the storage have no row in the database.* --force"
    with translation.override("en"), pytest.raises(CommandError, match=refusal):
        call_command("remove_orphans", stdout=StringIO())
    assert len(stored_files(folders)) == 6
    call_command("remove_orphans", "--force", stdout=StringIO())
    assert len(stored_files(folders)) == 1

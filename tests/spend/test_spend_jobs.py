"""Jobs of spend imports: check, import, refusal, cancellation, retry."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import File
from django.utils import translation

from creativefilter.jobs import lifecycle, progress, stage_runner
from creativefilter.jobs.models import Job
from creativefilter.site.codes import CodedError, sentence
from creativefilter.spend.imports import bad_rows, staging
from creativefilter.spend.imports import jobs as work
from creativefilter.spend.imports.errors import SpendFileError
from creativefilter.spend.models import BadRow, SpendImport, SpendRow
from creativefilter.spend.totals import checks
from tests.spend.spend_files import sums, text_of

pytestmark = pytest.mark.django_db
State, Mode = SpendImport.State, SpendImport.Mode

GOOD = text_of("100,A,B,TV,1.5,2021,3", "100,A,B,TV,1.5,2021,3")
MIXED = text_of("100,A,B,TV,1.5,2021,3", "100,A,B,TV,дорого,2021,3", "100,A,B,TV,-5,2021,3")


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def received(text: str, owner: User | None = None) -> SpendImport:
    return work.receive(File(io.BytesIO(text.encode()), name="s.csv"), "../мои расходы.csv", owner)


def done(spend_import: SpendImport, **options: Any) -> Job:
    """Start and run a job of this import; return the job."""
    job = work.start(spend_import, None, **options)
    assert stage_runner.run_stage(str(job.pk), job.stage, "test") is None
    job.refresh_from_db()
    spend_import.refresh_from_db()
    return job


def test_an_upload_is_checked_then_imported(folder: Path) -> None:
    spend_import = received(GOOD)
    assert (spend_import.name, spend_import.state) == ("мои расходы.csv", State.UPLOADED)
    assert Path(spend_import.file.path).parent == folder / "spend"
    job = done(spend_import, dry_run=True)
    assert (job.state, spend_import.state) == (Job.State.DONE, State.CHECKED)
    assert job.result is not None
    assert (job.result["rows"], job.result["amount"]) == (2, "3.0000")
    assert set(job.result) == {"state", "rows", "bad_rows", "amount", "known_import"}
    assert spend_import.report["months"] == [{"month": "2021-03-01", "rows": 2, "amount": "3.0000"}]
    assert SpendRow.objects.count() == 0
    job = done(spend_import)
    assert (job.state, job.progress, spend_import.state) == (Job.State.DONE, 100, State.IMPORTED)
    assert spend_import.imported_at is not None
    assert sums() == {"2021-03": Decimal(3)}
    assert checks.check().agrees


def test_a_file_uploaded_twice_is_known_and_changes_nothing() -> None:
    first = received(GOOD)
    done(first)
    second = received(GOOD)
    job = done(second, mode=Mode.ADD)
    assert (job.state, second.state) == (Job.State.DONE, State.KNOWN)
    assert job.result is not None
    assert job.result["known_import"] == first.pk
    assert sums() == {"2021-03": Decimal(3)}


def test_no_job_starts_for_an_import_that_is_busy_or_done() -> None:
    spend_import = received(GOOD)
    work.start(spend_import, None)
    with pytest.raises(SpendFileError) as refused:
        work.start(spend_import, None)
    assert refused.value.code == "spend_busy"
    Job.objects.all().delete()
    done(spend_import)
    with pytest.raises(SpendFileError) as refused:
        work.start(spend_import, None)
    assert refused.value.code == "spend_imported"


def test_existing_months_fail_the_job_until_a_mode_is_chosen() -> None:
    done(received(GOOD))
    more = received(text_of("100,A,B,TV,4,2021,3"))
    job = done(more)
    assert (job.state, job.error_code) == (Job.State.FAILED, "spend_months_exist")
    assert (more.state, more.error_params) == (State.FAILED, {"months": "2021-03"})
    assert "2021-03" in sentence(more.error_code, more.error_params)
    # Without its parameters, the sentence shows no placeholders.
    assert "%" not in sentence(job.error_code)
    assert sentence(job.error_code) != job.error_code
    assert done(more, mode=Mode.REPLACE).state == Job.State.DONE
    assert sums() == {"2021-03": Decimal(4)}


def test_failed_strict_imports_store_their_bad_rows() -> None:
    spend_import = received(MIXED)
    job = done(spend_import, strict=True)
    assert (job.state, job.error_code) == (Job.State.FAILED, "spend_bad_rows")
    assert (spend_import.state, spend_import.error_params) == (State.FAILED, {"count": 2})
    assert SpendRow.objects.count() == 0
    reasons = BadRow.objects.filter(spend_import=spend_import).values_list("line", "reason")
    assert list(reasons) == [(3, "not_a_number"), (4, "negative")]
    # Without strict mode the good row is imported, and bad rows are not stored twice.
    assert done(spend_import).state == Job.State.DONE
    assert sums() == {"2021-03": Decimal("1.5")}
    assert BadRow.objects.count() == 2


def test_bad_rows_can_be_downloaded_corrected_and_imported() -> None:
    spend_import = received(MIXED.replace("100,A,B,TV,-5", "100,=1+1,B,TV,-5"))
    done(spend_import, dry_run=True)
    with translation.override("en"):
        text = "".join(bad_rows.as_csv(spend_import.header, bad_rows.of(spend_import)))
    assert text.encode().startswith(b"\xef\xbb\xbf")
    lines = text.removeprefix("\ufeff").splitlines()
    assert lines[0].startswith("line of the file;reason;Advertisement ID;Advertiser;")
    assert lines[1] == "3;the cost is not a number;100;A;B;TV;дорого;2021;3"
    # A formula is escaped; a negative number is not.
    assert lines[2] == "4;the cost is negative;100;'=1+1;B;TV;-5;2021;3"
    corrected = text.replace("дорого", "2,5").replace("-5", "5").replace("'=1+1", "A")
    done(received(corrected))
    assert sums() == {"2021-03": Decimal("7.5")}


def test_a_file_that_is_no_spend_table_fails_with_a_reason() -> None:
    spend_import = received("a,b\n1,2\n")
    job = done(spend_import)
    assert (job.state, job.error_code, spend_import.state) == (
        Job.State.FAILED,
        "table_no_column",
        State.FAILED,
    )


def test_a_missing_file_or_import_fails_with_a_reason() -> None:
    spend_import = received(GOOD)
    Path(spend_import.file.path).unlink()
    assert done(spend_import).error_code == "table_no_file"
    job = work.start(spend_import, None)
    spend_import.delete()
    assert stage_runner.run_stage(str(job.pk), job.stage, "test") is None
    job.refresh_from_db()
    assert job.error_code == "spend_deleted"


def test_deleting_an_import_deletes_its_file(
    folder: Path, django_capture_on_commit_callbacks: Any
) -> None:
    spend_import = received(GOOD)
    assert Path(spend_import.file.path).exists()
    with django_capture_on_commit_callbacks(execute=True):
        spend_import.delete()
    assert list((folder / "spend").iterdir()) == []


def test_a_queued_import_can_be_cancelled() -> None:
    spend_import = received(GOOD)
    job = work.start(spend_import, None)
    assert work.cancel(spend_import)
    assert stage_runner.run_stage(str(job.pk), job.stage, "test") is None
    spend_import.refresh_from_db()
    job.refresh_from_db()
    assert (job.state, spend_import.state) == (Job.State.CANCELLED, State.CANCELLED)
    assert not work.cancel(spend_import)
    assert done(spend_import).state == Job.State.DONE


def test_an_import_that_is_started_again_is_not_called_cancelled() -> None:
    spend_import = received(GOOD)
    work.start(spend_import, None)
    assert work.cancel(spend_import)
    spend_import.refresh_from_db()
    work.start(spend_import, None)
    spend_import.refresh_from_db()
    assert spend_import.state == State.UPLOADED


def test_an_import_without_a_file_says_so() -> None:
    spend_import = SpendImport.objects.create(name="x.csv")
    assert done(spend_import).error_code == "table_no_file"


@pytest.mark.parametrize("moment", ["while reading", "before merging"])
def test_a_cancelled_running_import_leaves_nothing(moment: str, monkeypatch: Any) -> None:
    monkeypatch.setattr("creativefilter.spend.imports.rows.CHUNK", 10)
    monkeypatch.setattr(progress, "WRITE_EVERY", 0)
    spend_import = received(text_of(*[f"{n},A,B,TV,1.5,2021,3" for n in range(100)]))
    job = work.start(spend_import, None)
    chunks = 0
    real = staging.add

    def add(*args: Any) -> None:
        nonlocal chunks
        chunks += 1
        if chunks == (3 if moment == "while reading" else 10):
            job.refresh_from_db()
            assert work.cancel(spend_import)
        real(*args)

    monkeypatch.setattr(staging, "add", add)
    assert stage_runner.run_stage(str(job.pk), job.stage, "test") is None
    # The job stops at the progress report that follows this chunk.
    assert chunks == (3 if moment == "while reading" else 10)
    job.refresh_from_db()
    spend_import.refresh_from_db()
    assert (job.state, spend_import.state) == (Job.State.CANCELLED, State.CANCELLED)
    assert SpendRow.objects.count() == 0


def test_progress_increases_while_the_file_is_read(monkeypatch: Any) -> None:
    monkeypatch.setattr("creativefilter.spend.imports.rows.CHUNK", 300)
    monkeypatch.setattr(progress, "WRITE_EVERY", 0)
    spend_import = received(text_of(*[f"{n},A,B,TV,1.5,2021,3" for n in range(3000)]))
    job = work.start(spend_import, None)
    percents: list[int] = []
    real = staging.add

    def add(*args: Any) -> None:
        percents.append(Job.objects.get(pk=job.pk).progress)
        real(*args)

    monkeypatch.setattr(staging, "add", add)
    stage_runner.run_stage(str(job.pk), job.stage, "test")
    assert percents == sorted(percents)
    assert 0 < percents[1] < percents[-1] <= work.READING_PERCENT


def test_uploads_have_the_size_limit_of_all_uploads(settings: Any) -> None:
    settings.UPLOAD_MAX_BYTES = 10
    with pytest.raises(CodedError) as refused:
        received(GOOD)
    assert refused.value.code == "too_large"
    assert SpendImport.objects.count() == 0


def test_retrying_an_old_job_undoes_no_newer_import() -> None:
    spend_import = received(GOOD)
    check = work.start(spend_import, None, dry_run=True)
    assert work.cancel(spend_import)
    done(spend_import)
    check.refresh_from_db()
    again = lifecycle.retry(check)
    assert again is not None
    assert stage_runner.run_stage(str(again.pk), again.stage, "test") is None
    again.refresh_from_db()
    spend_import.refresh_from_db()
    assert (again.state, again.error_code) == (Job.State.FAILED, "spend_superseded")
    assert spend_import.state == State.IMPORTED
    assert sums() == {"2021-03": Decimal(3)}


def test_a_late_worker_writes_nothing_of_a_refused_file(monkeypatch: Any) -> None:
    """The import is cancelled after its file is staged and before the report is saved."""
    spend_import = received(MIXED)
    job = work.start(spend_import, None, strict=True)
    real = staging.finish

    def finish(*args: Any) -> None:
        real(*args)
        job.refresh_from_db()
        assert work.cancel(spend_import)

    monkeypatch.setattr(staging, "finish", finish)
    assert stage_runner.run_stage(str(job.pk), job.stage, "late") is None
    spend_import.refresh_from_db()
    job.refresh_from_db()
    assert (job.state, spend_import.state) == (Job.State.CANCELLED, State.CANCELLED)
    assert (spend_import.report, spend_import.digest) == ({}, "")
    assert not BadRow.objects.exists()

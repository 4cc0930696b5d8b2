"""Jobs and commands succeed while another process commits to the same SQLite file all the time.

On SQLite a write on a connection with an open read cursor fails at once if another process
committed since the cursor was opened: the busy timeout does not apply.
"""

from __future__ import annotations

import io
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import connection

from creativefilter.creatives import decision_settings, model_versions
from creativefilter.creatives.analysis.redecision import decide_again
from creativefilter.creatives.intake import archive_jobs, watched_folder
from creativefilter.creatives.labels import batches
from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import Creative, ModelVersion, Segment
from creativefilter.jobs import kinds, lifecycle, progress, stage_runner
from creativefilter.jobs.kinds import JobError, Kind, Save, Stage
from creativefilter.jobs.models import Job
from creativefilter.sheets.write import Form
from creativefilter.site.unavailable import Unavailable
from creativefilter.spend.imports import importer
from creativefilter.spend.imports import jobs as import_jobs
from creativefilter.spend.reports import expected_spend_jobs, export_jobs
from creativefilter.spend.reports.filters import Filters
from creativefilter.spend.totals import recount_jobs, segment_changes
from tests.creatives.analysing import DEMO, MUSIC, folders, recogniser, run, take_in
from tests.spend.spend_files import table, text_of
from tests.tables.table_files import received
from tests.training.test_train import create_labelled_creatives

__all__ = ["folders", "recogniser"]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("folders", "recogniser", "foreign_writer"),
]

# Commits every 10 ms, so that even the small inputs here meet several commits.
WRITER = """
import sqlite3, sys, time
database = sqlite3.connect(sys.argv[1], timeout=20, isolation_level=None)
for number in range(10**9):
    database.execute(
        "INSERT OR REPLACE INTO django_session VALUES (?, '', '2030-01-01')", (f"w{number % 50}",)
    )
    if not number:
        print("begun", flush=True)
    time.sleep(0.01)
"""
ROWS = 5_000


@pytest.fixture
def foreign_writer(
    transactional_db: None,
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    """Run a process that commits to the test's database; make jobs write progress often."""
    if connection.vendor != "sqlite":
        pytest.skip("on PostgreSQL readers do not block writers")
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(progress, "WRITE_EVERY", 0.02)
    database = str(connection.settings_dict["NAME"])
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, database], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    yield
    alive = process.poll() is None
    process.kill()
    process.wait()
    process.stdout.close()
    assert alive, "the other process ended before the test"


def run_to_done(job: Job | None) -> None:
    assert job is not None
    run(job)
    assert (job.state, job.error_code, job.error_detail) == (Job.State.DONE, "", "")
    assert job.timings[-1]["attempts"] == 1


def import_some_spend(folder: Path) -> list[Creative]:
    """Import ``ROWS`` advertisements; return the creatives of a few of them."""
    creatives = [Creative.objects.create(advertisement_id=str(n), name=str(n)) for n in range(9)]
    importer.import_file(table(folder, *(f"{n},A{n % 7},B,TV,{n}.5,2021,3" for n in range(ROWS))))
    segment_changes.catch_up()
    return creatives


def analyse(folder: Path) -> None:
    run_to_done(take_in(DEMO / MUSIC).job)


def ingest(folder: Path) -> None:
    call_command("ingest", files(folder), stdout=io.StringIO(), stderr=io.StringIO())
    assert Creative.objects.count() == 20


def files(folder: Path) -> str:
    inside = folder / "files"
    inside.mkdir()
    for number in range(20):
        (inside / f"{7000 + number}.wav").write_bytes(b"bytes %d" % number)
    return str(inside)


def unpack(folder: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(20):
            archive.writestr(f"{number}.wav", b"bytes %d" % number)
    run_to_done(archive_jobs.start(ContentFile(packed.getvalue(), "a.zip"), "a.zip", None, {}))
    assert Creative.objects.count() == 20


def watch(folder: Path, settings: Any) -> None:
    settings.INGEST_FOLDER, settings.INGEST_QUIET_SECONDS = files(folder), 0
    assert watched_folder.look() is None
    run_to_done(watched_folder.look())
    assert Creative.objects.count() == 20


def spend_import(folder: Path) -> None:
    text = text_of(*(f"{n},A,B,TV,{n}.5,2021,3" for n in range(ROWS)))
    spend_import_row = import_jobs.receive(ContentFile(text.encode(), "s.csv"), "s.csv", None)
    run_to_done(import_jobs.start(spend_import_row, None, dry_run=True))
    run_to_done(import_jobs.start(spend_import_row, None))


def spend_export(folder: Path) -> None:
    import_some_spend(folder)
    for form in (Form.CSV, Form.XLSX):
        job = export_jobs.start(Filters(), form, None)
        run_to_done(job)
        assert job.result is not None
        assert job.result["rows"] == ROWS


def estimate(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_some_spend(folder)
    monkeypatch.setattr(expected_spend_jobs, "AT_ONCE", -1)
    run_to_done(expected_spend_jobs.get_or_queue(Filters())[1])


def recount(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recount_jobs, "AT_ONCE", 2)
    monkeypatch.setattr(segment_changes, "PART", 2)
    for creative in import_some_spend(folder):
        set_label(creative, Segment.objects.get(pk=3), None)
    run_to_done(recount_jobs.keep_up())


def id_table(folder: Path) -> None:
    import_some_spend(folder)
    rows = b"".join(b"%d,x\n" % number for number in range(ROWS))
    run_to_done(received(b"Advertisement ID,n\n" + rows).job)


def train_evaluate_activate(folder: Path) -> None:
    create_labelled_creatives(75)
    for command in (["train", "--pictures", "none"], ["evaluate"]):
        call_command(*command, stdout=io.StringIO(), stderr=io.StringIO())
    model_versions.activate(ModelVersion.objects.latest("pk"))
    queued = decide_again(None)
    assert queued is not None
    assert queued.creatives == 75
    run_to_done(queued.job)
    decision_settings.change(0.5, {0: 9.0, 12: 1.0}, None)
    queued = decide_again(None)
    assert queued is not None
    run_to_done(queued.job)


def relabel(folder: Path) -> None:
    import_some_spend(folder)
    segment = Segment.objects.get(pk=5)
    batch = batches.relabel(Creative.objects.all(), segment, None, "", 9)
    assert batches.undo(batch, None) == 9


@pytest.mark.parametrize(
    "work",
    [
        analyse,
        ingest,
        unpack,
        watch,
        spend_import,
        spend_export,
        estimate,
        recount,
        id_table,
        train_evaluate_activate,
        relabel,
    ],
)
def test_work_succeeds_while_another_process_writes(
    work: Callable[..., None],
    tmp_path: Path,
    request: pytest.FixtureRequest,
    caplog: pytest.LogCaptureFixture,
) -> None:
    wanted = list(work.__annotations__)
    extra = {n: request.getfixturevalue(n) for n in wanted if n not in ("folder", "return")}
    work(tmp_path, **extra)
    assert "database is locked" not in caplog.text


@pytest.fixture
def run_failing_stage() -> Iterator[Callable[[Exception], Job]]:
    """Function that runs a stage which raises ``error`` with an open cursor; returns the job."""
    problem: list[Exception] = []

    def read(job: Job) -> Save:
        for number, _row in enumerate(Segment.objects.iterator(chunk_size=1)):
            if number == 2:
                time.sleep(0.2)
                stage_runner.write_progress(job, 50)
                raise problem.pop()
        raise AssertionError("there are segments")

    kind = kinds.register(Kind("careless", (Stage("one", "cpu", read),), lambda job: None))

    def run_one(error: Exception) -> Job:
        problem.append(error)
        return run(lifecycle.create(kind, {}))

    yield run_one
    del kinds._KINDS["careless"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (JobError("not_media"), "not_media"),
        (ZeroDivisionError(), "internal"),
        (Unavailable("storage_away"), "storage_away"),
    ],
)
def test_a_failure_is_stored_although_the_stage_left_a_cursor_open(
    error: Exception, code: str, run_failing_stage: Callable[[Exception], Job], monkeypatch: Any
) -> None:
    monkeypatch.setattr("django.conf.settings.JOB_MAX_ATTEMPTS", 1)
    job = run_failing_stage(error)
    assert (job.state, job.error_code) == (Job.State.FAILED, code)
    assert "locked" not in job.error_detail

"""A process is killed in the middle of a long stage: the second attempt gives the whole result."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from openpyxl import load_workbook

from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import Creative, Segment
from creativefilter.jobs import lifecycle, recovery, stage_runner
from creativefilter.jobs.models import Job
from creativefilter.sheets.write import Form
from creativefilter.spend.imports import importer
from creativefilter.spend.imports import jobs as import_jobs
from creativefilter.spend.models import SpendRow
from creativefilter.spend.reports import export_jobs
from creativefilter.spend.reports.filters import Filters
from creativefilter.spend.totals import checks, recount_jobs, segment_changes
from tests.long import load
from tests.stack import processes

pytestmark = pytest.mark.django_db(transaction=True)

# So many that a process can be killed in the middle even on fast machines.
ROWS = 16_000


def run_with_one_kill(job: Job, worker: Any, eventually: Callable[..., None]) -> Job:
    """Kill the pool process once while it works on the job; return the job when it is done."""
    main = worker()
    running = Job.objects.filter(pk=job.pk, state=Job.State.RUNNING)
    eventually(lambda: running.filter(progress__gt=0).exists())
    for child in processes():
        if child.parent == main.pid:
            os.kill(child.pid, signal.SIGKILL)
    eventually(lambda: Job.objects.get(pk=job.pk).is_final)
    job.refresh_from_db()
    assert (job.state, job.error_code) == (Job.State.DONE, "")
    assert job.timings[-1]["attempts"] == 2
    return job


def test_an_import_whose_process_was_killed_imports_once(
    worker: Any, eventually: Any, tmp_path: Path
) -> None:
    table = load.spend_table(tmp_path / "s.csv", ROWS, seed=1)
    spend_import = import_jobs.receive(ContentFile(table.read_bytes(), "s.csv"), "s.csv", None)
    job = run_with_one_kill(import_jobs.start(spend_import, None), worker, eventually)
    assert job.result
    assert job.result["rows"] == ROWS == SpendRow.objects.count()
    assert checks.check().agrees


def test_an_export_whose_process_was_killed_leaves_one_whole_file(
    worker: Any, eventually: Any, tmp_path: Path
) -> None:
    rows = ROWS // 2  # writing a workbook is slower than writing CSV
    importer.import_file(load.spend_table(tmp_path / "s.csv", rows, seed=1))
    job = run_with_one_kill(export_jobs.start(Filters(), Form.XLSX, None), worker, eventually)
    file = export_jobs.file_of(job)
    assert job.result == {"rows": rows, "bytes": file.stat().st_size}
    assert len(list(load_workbook(file, read_only=True).active)) == rows + 1
    # The killed process has left no partial file.
    assert list(file.parent.glob(f"{file.name}*")) == [file]


def test_a_recount_whose_outcome_was_lost_moves_spend_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segment_changes, "PART", 2)
    importer.import_file(load.spend_table(tmp_path / "s.csv", 20, seed=1))
    segment_changes.catch_up()
    for number in range(20):
        name = str(load.FIRST_ID + 10_000 + number)
        creative = Creative.objects.create(advertisement_id=name, name=name)
        set_label(creative, Segment.objects.get(pk=number % 5), None)
    job = lifecycle.create(recount_jobs.SPEND_RECOUNT, {}, urgency=Job.Urgency.LONG)
    claimed = stage_runner.claim(str(job.pk), job.stage, "w")
    assert claimed is not None
    recount_jobs.run(claimed)  # its ``save`` is not called, as if the process had been killed
    assert recovery.release_lost_claim(str(job.pk), job.stage, "w", "worker_lost", "")
    stage_runner.run_stage(str(job.pk), job.stage, "w")
    job.refresh_from_db()
    assert (job.state, job.timings[-1]["attempts"]) == (Job.State.DONE, 2)
    assert segment_changes.pending_changes().size == 0
    assert checks.check().agrees

"""The job of a table: waiting for creatives without occupying a worker, failures, deletion."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from creativefilter.creatives.models import Creative, Prediction, WaitingLabel
from creativefilter.jobs import lifecycle, recovery, stage_runner
from creativefilter.jobs.models import Job
from creativefilter.tables import jobs as work
from creativefilter.tables.models import Table
from tests.creatives.analysing import run, stored_files
from tests.tables.table_files import answered, bytes_of, labelled, received, stored

pytestmark = pytest.mark.django_db
SPOKEN = "кредитная карта с кэшбэком, оформите кредитную карту, льготный период по кредитной карте"
TABLE = b"Advertisement ID,n\n1,a\n2,b\n3,c\n"


def stage(table: Table) -> Job | None:
    """Run the current stage of the table's job; return the job if it is queued again."""
    job = Job.objects.get(pk=table.job_id)
    return stage_runner.run_stage(str(job.pk), job.stage, "test")


def rows(table: Table) -> list[str]:
    table.refresh_from_db()
    return [line.split(",", 6)[6] for line in bytes_of(table).decode().splitlines()[1:]]


def test_stored_creatives_are_classified_before_the_table_is_written() -> None:
    stored("1", 12)
    waiting = stored("2", speech=SPOKEN)
    table = received(TABLE)
    assert stage(table)
    waiting.refresh_from_db()
    assert waiting.job
    assert (waiting.state, waiting.job.urgency) == ("queued", Job.Urgency.BATCH)
    # While the table waits, each sweep queues the job again, which does not count as an attempt.
    for _sweep in range(5):
        assert stage(table) is None
        job = Job.objects.get(pk=table.job_id)
        assert (job.state, job.stage, job.attempts) == (Job.State.QUEUED, "classifying", 0)
        assert job in recovery.sweep()
    run(waiting.job)
    assert Prediction.objects.filter(creative=waiting).count() == 1
    assert stage(table)
    assert stage(table) is None
    assert rows(table) == ["ok", "ok", "unknown"]
    assert (table.counts["answered"], table.counts["classified"]) == (2, 1)
    assert Job.objects.get(pk=table.job_id).progress == 100


def test_a_failed_creative_has_its_error_code_in_the_status(folder: Path) -> None:
    creative = stored("1")
    assert creative.current_media
    creative.current_media.file.name = "creatives/gone.mp4"
    creative.current_media.save()
    table = received(TABLE)
    assert stage(table)
    creative.refresh_from_db()
    assert creative.job
    stage_runner.claim(str(creative.job.pk), creative.job.stage, "test")
    creative.job.refresh_from_db()
    lifecycle.fail(creative.job, "damaged")
    assert run(Job.objects.get(pk=table.job_id)).state == Job.State.DONE
    assert rows(table)[0] == "failed:damaged"
    # A failed creative is not analysed again for the next table.
    again = answered(TABLE)
    assert again.counts["classified"] == 0
    assert again.counts["failed"] == 1


def test_a_cancelled_analysis_does_not_keep_a_table_waiting() -> None:
    creative = stored("2", speech=SPOKEN)
    table = received(TABLE)
    assert stage(table)
    creative.refresh_from_db()
    assert creative.job
    assert lifecycle.cancel(creative.job)
    run(Job.objects.get(pk=table.job_id))
    assert rows(table)[1] == "failed:cancelled"


def test_a_creative_deleted_while_the_table_waits_is_unknown() -> None:
    creative = stored("2", speech=SPOKEN)
    table = received(TABLE)
    assert stage(table)
    Creative.objects.filter(pk=creative.pk).delete()
    run(Job.objects.get(pk=table.job_id))
    assert rows(table)[1] == "unknown"


def test_labelled_creatives_are_not_waited_for() -> None:
    labelled(stored("2", speech=SPOKEN), 3)
    assert rows(answered(TABLE))[1] == "ok"
    assert not Job.objects.filter(kind="analyse").exists()


def test_a_waiting_label_answers_for_its_advertisement_id() -> None:
    WaitingLabel.objects.create(advertisement_id="3", segment_id=12, source="labels.csv")
    table = answered(TABLE)
    line = bytes_of(table).decode().splitlines()[3]
    assert line == "3,c,12,Кредитные карты,,yes,ok"
    assert (table.counts["answered"], table.counts["unknown"]) == (1, 2)


def test_two_tables_share_one_job_for_a_creative() -> None:
    stored("2", speech=SPOKEN)
    first, second = received(TABLE), received(TABLE)
    assert stage(first)
    assert stage(second)
    assert Job.objects.filter(kind="analyse").count() == 1
    assert second.awaited.count() == 1


def test_a_worker_that_dies_leaves_no_file(folder: Path) -> None:
    stored("1", 12)
    table = received(TABLE)
    assert stage(table)
    assert stage(table)
    job = Job.objects.get(pk=table.job_id)
    late = stage_runner.claim(str(job.pk), "writing", "dead")
    assert late
    save = work.write(late)
    assert recovery.release_claims_of("dead")
    assert run(Job.objects.get(pk=job.pk)).state == Job.State.DONE
    del save
    table.refresh_from_db()
    assert len(stored_files(folder)) == 2
    assert table.counts["rows"] == 3


def test_a_cancelled_table_is_not_written() -> None:
    table = received(TABLE)
    assert work.cancel(table)
    assert not work.cancel(table)
    table.refresh_from_db()
    assert not table.result
    assert stage(table) is None
    job = lifecycle.retry(Job.objects.get(pk=table.job_id))
    assert job
    assert run(job).state == Job.State.DONE


def test_files_are_deleted_with_their_table(
    folder: Path, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    old, young = answered(TABLE), answered(TABLE)
    assert len(stored_files(folder)) == 4
    Table.objects.filter(pk=old.pk).update(
        created_at=timezone.now() - settings.TABLES_KEPT - timedelta(seconds=1)
    )
    with django_capture_on_commit_callbacks(execute=True):
        work.remove_old()
    assert list(Table.objects.all()) == [young]
    assert len(stored_files(folder)) == 2
    with django_capture_on_commit_callbacks(execute=True):
        work.remove(young)
    assert stored_files(folder) == []


def test_answers_are_written_in_the_requested_language() -> None:
    stored("1", 12)
    table = answered(TABLE, language="en")
    text = bytes_of(table).decode()
    assert ",12,Credit cards,0.9,no,Classified" in text
    assert "There is no creative with this Advertisement ID" in text

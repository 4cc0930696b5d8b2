"""Interactive jobs don't wait behind long jobs or batches."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile

from creativefilter.creatives.models import WatchedFile
from creativefilter.jobs import lifecycle, stage_runner
from creativefilter.jobs.models import Job
from creativefilter.site.lanes import RESERVED_QUEUES
from creativefilter.spend.imports import jobs as import_jobs
from tasks.publishing import sweep
from tests.spend.spend_files import text_of
from tests.worker_app import KINDS

pytestmark = pytest.mark.django_db(transaction=True)
ENDLESS = {"seconds": 600}


def has_state(job: Job, state: str) -> bool:
    job.refresh_from_db()
    return job.state == state


def test_the_reserved_process_serves_people_and_upkeep_while_others_are_busy(
    worker: Any, eventually: Any, settings: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "watched"
    folder.mkdir()
    (folder / "1.wav").write_bytes(b"x")
    settings.INGEST_FOLDER = str(folder)
    env = {"INGEST_FOLDER": str(folder), "SOFT_SHUTDOWN_SECONDS": "1"}
    blocking = lifecycle.create(KINDS["sleep"], ENDLESS, urgency=Job.Urgency.LONG)
    regular = worker("regular@suite", **env)
    worker("reserved@suite", queues=RESERVED_QUEUES, **env)
    eventually(lambda: has_state(blocking, Job.State.RUNNING))
    lifecycle.create_many(KINDS["sleep"], [ENDLESS] * 500, None)
    lifecycle.create(KINDS["sleep"], ENDLESS, urgency=Job.Urgency.LONG)
    sweep()
    uploads = [lifecycle.create(KINDS["echo"], {"say": n}) for n in range(3)]
    text = text_of("100,A,B,TV,1.5,2021,3")
    spend_import = import_jobs.receive(ContentFile(text.encode(), "s.csv"), "s.csv", None)
    dry_run = import_jobs.start(spend_import, None, dry_run=True)
    for job in (*uploads, dry_run):
        eventually(lambda job=job: has_state(job, Job.State.DONE), 20)
        assert job.worker == "reserved@suite"
    eventually(WatchedFile.objects.filter(path="1.wav").exists, 20)
    claimed = Job.objects.exclude(state=Job.State.QUEUED).exclude(kind="watch")
    assert claimed.count() == len(uploads) + 2, "the reserved process took a job of another lane"
    spend_import.delete()
    os.killpg(regular.pid, signal.SIGKILL)  # the fixture would wait for its endless job


def test_a_long_creative_moves_to_the_lane_long(
    folders: Path, recogniser: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from creativefilter.creatives.analysis import stages
    from tests.creatives.analysing import DEMO, MUSIC, take_in

    found = []
    for limit in (120, 1):
        monkeypatch.setattr(stages, "LONG_SECONDS", limit)
        # Zero bytes at the end make the files different, so that the second is no twin.
        content = (DEMO / MUSIC).read_bytes() + bytes(limit)
        job = take_in(content, f"{limit}.wav").job
        next_stage = stage_runner.run_stage(str(job.pk), job.stage, "w")
        assert next_stage is not None
        found.append((next_stage.stage, next_stage.urgency))
    assert found == [("speech", Job.Urgency.INTERACTIVE), ("speech", Job.Urgency.LONG)]

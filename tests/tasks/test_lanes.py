"""Nobody who waits for seconds waits behind what takes minutes, or behind a batch."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile

from creativefilter.creatives.models import WatchedFile
from creativefilter.jobs import lifecycle
from creativefilter.jobs.models import Job
from creativefilter.site.lanes import RESERVED_QUEUES
from creativefilter.spend.imports import jobs as import_jobs
from tasks.publishing import sweep
from tests.spend.spend_files import text_of
from tests.worker_app import KINDS

pytestmark = pytest.mark.django_db(transaction=True)
ENDLESS = {"seconds": 600}


def is_(job: Job, state: str) -> bool:
    job.refresh_from_db()
    return job.state == state


def test_the_reserved_process_serves_people_and_the_folder_while_all_others_are_held(
    worker: Any, eventually: Any, settings: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "watched"
    folder.mkdir()
    (folder / "1.wav").write_bytes(b"x")
    settings.INGEST_FOLDER = str(folder)
    env = {"INGEST_FOLDER": str(folder), "SOFT_SHUTDOWN_SECONDS": "1"}
    held = lifecycle.create(KINDS["sleep"], ENDLESS, urgency=Job.Urgency.LONG)
    regular = worker("regular@suite", **env)
    worker("reserved@suite", queues=RESERVED_QUEUES, **env)
    eventually(lambda: is_(held, Job.State.RUNNING))
    lifecycle.create_many(KINDS["sleep"], [ENDLESS] * 500, None)
    lifecycle.create(KINDS["sleep"], ENDLESS, urgency=Job.Urgency.LONG)
    sweep()
    uploads = [lifecycle.create(KINDS["echo"], {"say": n}) for n in range(3)]
    text = text_of("100,A,B,TV,1.5,2021,3")
    kept = import_jobs.receive(ContentFile(text.encode(), "s.csv"), "s.csv", None)
    check = import_jobs.start(kept, None, dry_run=True)
    for job in (*uploads, check):
        eventually(lambda job=job: is_(job, Job.State.DONE), 20)
        assert job.worker == "reserved@suite"
    eventually(WatchedFile.objects.filter(path="1.wav").exists, 20)
    taken = Job.objects.exclude(state=Job.State.QUEUED).exclude(kind="watch")
    assert taken.count() == len(uploads) + 2, "it takes nothing else"
    kept.delete()
    os.killpg(regular.pid, signal.SIGKILL)  # it would be waited for


def test_a_creative_that_is_long_leaves_the_lane_of_those_that_are_not(
    folders: Path, recogniser: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from creativefilter.creatives.analysis import stages
    from tests.creatives.analysing import DEMO, MUSIC, take_in

    found = []
    for limit in (120, 1):
        monkeypatch.setattr(stages, "LONG_SECONDS", limit)
        content = (DEMO / MUSIC).read_bytes() + bytes(limit)
        job = take_in(content, f"{limit}.wav").job
        following = lifecycle.run_stage(str(job.pk), job.stage, "w")
        assert following is not None
        found.append((following.stage, following.urgency))
    assert found == [("speech", Job.Urgency.INTERACTIVE), ("speech", Job.Urgency.LONG)]

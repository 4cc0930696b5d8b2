"""Uploads through the real broker and a real worker process."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from creativefilter.creatives.models import Creative
from creativefilter.jobs.models import Job
from tasks import publishing
from tests.creatives.analysing import DEMO, MUSIC, SPOKEN, SPOKEN_SEGMENT, SPOKEN_TOO

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.weights]


def test_uploads_are_analysed_by_the_worker(
    worker: Any, api: Any, form: Any, eventually: Any, tmp_path: Path
) -> None:
    """One test for all kinds of uploads, because a worker takes long to start."""
    watched = tmp_path / "watched"
    watched.mkdir()
    worker(INGEST_FOLDER=str(watched), INGEST_QUIET_SECONDS="0")

    waited = api.post("/api/v1/predict?wait=60", form((DEMO / SPOKEN).read_bytes(), SPOKEN))
    assert waited.status_code == 200
    assert waited.json()["state"] == "done"
    assert waited.json()["result"]["segment_num"] == SPOKEN_SEGMENT

    named = api.post("/predict", form((DEMO / SPOKEN_TOO).read_bytes(), SPOKEN_TOO))
    assert (named.status_code, named.json()) == (200, {"result": "Инвестиционные продукты"})

    silent = api.post("/predict/", form((DEMO / MUSIC).read_bytes(), MUSIC))
    assert silent.status_code == 200
    assert (silent.json()["result"], silent.json()["reason"]) == (None, "no_speech")

    broken = api.post("/predict", form(b"Not a film.", "5.mp4"))
    assert broken.status_code == 422
    assert (broken.json()["result"], broken.json()["reason"]) == (None, "not_media")
    assert broken.json()["message"].startswith("This is neither audio nor video")

    failed = api.post("/api/v1/predict?wait=60", form(b"No film either.", "6.mp4"))
    assert failed.status_code == 200
    assert failed.json()["error"]["code"] == "not_media"

    assert set(Job.objects.values_list("worker", flat=True)) == {"test@suite"}
    assert Creative.objects.filter(state=Creative.State.DONE).count() == 3

    # A file in the watched folder with known bytes: speech recognition does not run again.
    shutil.copy(DEMO / SPOKEN, watched / "7001.flv")

    def is_analysed() -> bool:
        publishing._send_watch()
        publishing.sweep()
        return Creative.objects.filter(advertisement_id="7001", state="done").exists()

    eventually(is_analysed)
    known = api.get("/api/v1/creatives?advertisement_id=7001").json()["results"][0]
    assert known["segment_num"] == SPOKEN_SEGMENT
    job = Job.objects.get(params__creative=known["id"])
    assert [entry["stage"] for entry in job.timings] == ["decoding", "classifying"]

"""The address from which the list updates its states."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from creativefilter.creatives.models import Creative
from creativefilter.jobs import stage_runner
from tests.creatives.analysing import DEMO, MUSIC, run, take_in

pytestmark = pytest.mark.django_db
PROGRESS = "/admin/creatives/creative/progress/"


@pytest.fixture
def page(client: Client, analyst: Any, folders: Path) -> Client:
    client.force_login(analyst)
    client.cookies["django_language"] = "en"
    return client


def ask(page: Client, *creatives: Creative) -> list[dict[str, Any]]:
    response = page.get(PROGRESS, {"id": [creative.pk for creative in creatives]})
    assert response.status_code == 200
    rows: list[dict[str, Any]] = response.json()["rows"]
    return rows


@pytest.mark.weights
def test_a_creative_is_followed_from_stage_to_stage(page: Client, recogniser: None) -> None:
    received = take_in(DEMO / MUSIC)
    [row] = ask(page, received.creative)
    assert row == {
        "id": received.creative.pk,
        "state": "queued",
        "title": "Queued",
        "percent": 0,
        "final": False,
        "message": "",
    }
    job = stage_runner.run_stage(str(received.job.pk), "decoding", "w")
    assert job is not None
    [row] = ask(page, received.creative)
    assert (row["percent"], row["final"]) == (20, False)
    run(job)
    [row] = ask(page, received.creative)
    assert (row["state"], row["percent"], row["final"]) == ("done", 100, True)


def test_a_failure_comes_with_its_sentence(page: Client) -> None:
    received = take_in(b"no film", "1.avi")
    run(received.job)
    [row] = ask(page, received.creative)
    assert (row["state"], row["final"]) == ("failed", True)
    assert row["message"].startswith("This is neither audio nor video")


def test_progress_contains_only_the_requested_creatives(page: Client) -> None:
    first, _second = (take_in(b"%d" % n, f"{n}.avi").creative for n in (1, 2))
    assert [row["id"] for row in ask(page, first)] == [first.pk]
    assert ask(page) == []
    odd = page.get(PROGRESS, {"id": ["x", "", "-1", "9" * 30, str(first.pk)]})
    assert [row["id"] for row in odd.json()["rows"]] == [first.pk]

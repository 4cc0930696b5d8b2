"""Former names of states, settings and options are still accepted, the last two with a warning."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from creativefilter.creatives.models import Creative, Label
from creativefilter.site import former_names

ROOT = Path(__file__).resolve().parents[1]
FORMER = [("transcribing", "speech"), ("reading", "screen"), ("seeing", "pictures")]


class EnoughError(Exception):
    """Raised in place of training, once its arguments are known."""


@pytest.fixture
def creatives(db: None) -> dict[str, Creative]:
    return {
        state: Creative.objects.create(name=f"{state}.mp4", state=state)
        for state in ("speech", "screen", "pictures", "done")
    }


@pytest.mark.parametrize(("former", "state"), FORMER)
def test_a_former_state_filters_the_list_over_rest(
    admin_client: Client, creatives: dict[str, Creative], former: str, state: str
) -> None:
    for address in (f"state={former}", f"state={state}", f"state={state}&state={former}"):
        answer = admin_client.get(f"/api/v1/creatives?{address}")
        assert answer.status_code == 200, answer.content
        assert [one["id"] for one in answer.json()["results"]] == [creatives[state].pk]
        assert answer.json()["results"][0]["state"] == state


@pytest.mark.parametrize(("former", "state"), FORMER)
def test_a_former_state_filters_in_the_body_of_a_request(
    admin_client: Client, creatives: dict[str, Creative], former: str, state: str
) -> None:
    answer = admin_client.post(
        "/api/v1/labels/batches",
        {"segment_num": 3, "filter": {"state": [former]}, "expected": 1},
        content_type="application/json",
    )
    assert answer.status_code == 201, answer.content
    assert list(Label.objects.values_list("creative", flat=True)) == [creatives[state].pk]


@pytest.mark.parametrize(("former", "state"), FORMER)
@pytest.mark.parametrize("lookup", ["state", "state__exact", "state__in"])
def test_a_former_state_filters_the_page(
    admin_client: Client, creatives: dict[str, Creative], former: str, state: str, lookup: str
) -> None:
    page = admin_client.get(f"/admin/creatives/creative/?{lookup}={former}")
    assert page.status_code == 200
    assert [row.pk for row in page.context["cl"].result_list] == [creatives[state].pk]


def test_an_unknown_state_is_refused(admin_client: Client) -> None:
    assert admin_client.get("/api/v1/creatives?state=listening").status_code == 400


def test_a_former_setting_is_used_with_a_warning() -> None:
    environment = {"VIDEO_ENCODER": "a"}
    with pytest.warns(FutureWarning, match="VIDEO_ENCODER is now called PICTURES_ENCODER"):
        former_names.adopt(environment)
    assert environment["PICTURES_ENCODER"] == "a"
    environment = {"VIDEO_ENCODER": "a", "PICTURES_ENCODER": ""}
    with pytest.warns(FutureWarning):
        former_names.adopt(environment)
    assert environment["PICTURES_ENCODER"] == ""


def test_a_process_started_with_a_former_setting_prints_a_warning() -> None:
    environment = {name: one for name, one in os.environ.items() if name != "PICTURES_ENCODER"}
    done = subprocess.run(
        [sys.executable, "-c",
         "from django.conf import settings; print(settings.PICTURES_ENCODER)"],
        cwd=ROOT, env={**environment, "VIDEO_ENCODER": "some/encoder"},
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "some/encoder"
    assert "VIDEO_ENCODER is now called PICTURES_ENCODER" in done.stderr


def test_a_former_option_is_used_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], db: None
) -> None:
    calls: list[Any] = []

    def learn(text: str, pictures: str, progress: Any) -> Any:
        calls.append((text, pictures))
        raise EnoughError

    monkeypatch.setattr("creativefilter.training.new_version.learn", learn)
    for option in ("--video", "--pictures"):
        with pytest.raises(EnoughError):
            call_command("train", option, "catboost")
    assert calls == [("linear", "catboost")] * 2
    assert capsys.readouterr().err == "--video is now called --pictures; use that instead.\n"

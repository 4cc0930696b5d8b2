"""The page on which leads set target precision and mix of segments."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from creativefilter.accounts import roles
from creativefilter.accounts.models import AuditEntry
from creativefilter.creatives import decision_settings
from creativefilter.creatives.analysis.preview import preview
from creativefilter.creatives.models import (
    Creative,
    DecisionChange,
    DecisionSettings,
    Prediction,
)
from creativefilter.jobs.models import Job
from tests.creatives.redeciding import MIX, create, decisions, queued, run, turn

pytestmark = pytest.mark.django_db
PAGE = "/admin/creatives/decisionsettings/"


@pytest.fixture(autouse=True)
def creatives() -> list[Creative]:
    made = create(40)
    run(queued())
    return made


def client_of(role: roles.Role) -> Client:
    user = User.objects.create_user(role.value)
    roles.assign(user, role)
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


@pytest.fixture
def lead() -> Client:
    return client_of(roles.Role.LEAD)


def form(percent: float, mix: dict[int, float] | None = None, **buttons: str) -> dict[str, Any]:
    shares = {f"share_{number}": share for number, share in (mix or {}).items()}
    return {"percent": percent, "mix": "shares" if mix else "labels", **shares, **buttons}


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


@pytest.mark.parametrize(
    ("percent", "mix"), [(90, None), (99, None), (95, MIX), (99, {16: 900.0, 0: 0.01})]
)
def test_the_preview_is_what_happens(
    lead: Client, percent: float, mix: dict[int, float] | None
) -> None:
    before = decisions()
    found = preview(percent / 100, mix)
    page = text_of(lead.post(PAGE, form(percent, mix, preview="1")))
    assert (decisions(), DecisionSettings.objects.count()) == (before, 1)
    assert f"decided without a person: {found.automatic_before} (" in page
    assert f"go to a person {found.to_person.count}" in page
    assert f"no longer need a person {found.to_automatic.count}" in page

    response = lead.post(PAGE, form(percent, mix, apply="1", note="as agreed"))
    assert response.status_code == 302
    row = decision_settings.current()
    assert (row.precision, row.priors, row.note) == (percent / 100, mix, "as agreed")
    assert row.author is not None
    assert row.author.username == "lead"
    job = run(Job.objects.get(kind="decide_again", state=Job.State.QUEUED))
    after = decisions()
    pairs = [(old, new) for old, new in zip(before, after, strict=True) if old[1:3] != new[1:3]]
    assert len(pairs) == found.changed == DecisionChange.objects.count()
    assert sum(one[2] == "auto" for one in before) == found.automatic_before
    assert sum(one[2] == "auto" for one in after) == found.automatic_after
    moved = {key: change.count for key, change in found.segments.items()}
    actual: dict[Any, int] = {}
    for old, new in pairs:
        if old[1] != new[1]:
            actual[old[1], new[1]] = actual.get((old[1], new[1]), 0) + 1
    assert actual == moved
    assert job.result["to_person"] == found.to_person.count
    assert job.result["to_automatic"] == found.to_automatic.count
    assert job.result["other_segment"] == sum(moved.values())


def test_examples_of_each_change_can_be_opened(lead: Client) -> None:
    found = preview(0.99, MIX)
    examples = [*found.to_person.creatives, *found.to_automatic.creatives]
    examples += [pk for change in found.segments.values() for pk in change.creatives]
    assert examples
    shown = lead.post(PAGE, form(99, MIX, preview="1")).content.decode()
    for pk in examples:
        assert f"/admin/creatives/creative/{pk}/change/" in shown


def test_settings_are_recorded_in_the_audit_log(lead: Client) -> None:
    lead.post(PAGE, form(90, MIX, apply="1", note="why"))
    entry = AuditEntry.objects.get(action="decisions_set")
    assert (entry.actor_name, entry.details["precision"], entry.details["note"]) == (
        "lead",
        0.9,
        "why",
    )
    assert entry.details["mix"] == {str(number): share for number, share in MIX.items()}


def test_only_leads_may_set_them() -> None:
    for role in (roles.Role.VIEWER, roles.Role.ANALYST):
        client = client_of(role)
        page = client.get(PAGE).content.decode()
        assert "data-thresholds" in page
        assert 'name="percent"' not in page
        for button in ("preview", "apply", "again", "cancel"):
            assert client.post(PAGE, form(90, **{button: "1"})).status_code == 403
    assert DecisionSettings.objects.count() == 1


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"percent": "49"}, "greater than or equal to 50"),
        ({"percent": "100"}, "less than or equal to 99.9"),
        ({"percent": ""}, "required"),
        ({"percent": "nan"}, "number"),
        ({"mix": "shares"}, "Enter a share above 0 for one segment at least."),
        ({"mix": "shares", "share_0": "0"}, "Enter a share above 0 for one segment at least."),
        ({"mix": "shares", "share_0": "-1", "share_3": "1"}, "greater than or equal to 0"),
        ({"mix": "shares", "share_0": "inf", "share_3": "1"}, "number"),
    ],
)
def test_unusable_settings_are_refused(lead: Client, values: Any, sentence: str) -> None:
    for button in ("preview", "apply"):
        page = text_of(lead.post(PAGE, {**form(95), **values, button: "1"}))
        assert sentence in page
    assert DecisionSettings.objects.count() == 1
    assert not Job.objects.filter(state=Job.State.QUEUED).exists()


def test_the_page_shows_thresholds_by_channels_and_history(lead: Client) -> None:
    decision_settings.change(0.9, {0: 2.5}, None, "<b>first</b>")
    page = text_of(lead.get(PAGE))
    assert re.search(r"Speech 0\.\d\d\d", page)
    assert re.search(r"Speech \+ Screen 0\.\d\d\d", page)
    assert "Screen a person always decides" in page
    assert "90.0" in page
    assert "0: 2.50" in page
    assert "&lt;b&gt;first&lt;/b&gt;" in page


def test_the_job_is_shown_cancelled_and_started_again(
    lead: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from creativefilter.creatives.analysis import redecision
    from creativefilter.site import lanes

    monkeypatch.setattr(redecision, "DECIDED_AT_ONCE", 10)
    monkeypatch.setattr(lanes, "TURN_SECONDS", -1.0)
    lead.post(PAGE, form(90, MIX, apply="1"))
    job = Job.objects.get(kind="decide_again", state=Job.State.QUEUED)
    turn(job)
    turn(job)
    page = text_of(lead.get(PAGE))
    assert f"{job.progress} %" in page
    assert re.search(r"about \d+ s left", page)
    lead.post(PAGE, {"cancel": "1"})
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED
    assert re.search(r"active version and these settings: [1-9]\d*\.", text_of(lead.get(PAGE)))
    lead.post(PAGE, {"again": "1"})
    again = run(Job.objects.get(kind="decide_again", state=Job.State.QUEUED))
    assert again.state == Job.State.DONE
    assert "active version and these settings" not in text_of(lead.get(PAGE))


def test_predictions_of_older_releases_are_counted_apart(lead: Client) -> None:
    Prediction.objects.filter(pk__in=Prediction.objects.values("pk")[:4]).update(parameters=None)
    page = text_of(lead.post(PAGE, form(90, preview="1")))
    assert "Of 36 creatives" in page
    assert "Not in these figures: 4 creatives" in page


def test_a_damaged_version_is_reported(lead: Client, tmp_path: Any) -> None:
    from creativefilter.creatives.models import ModelVersion

    ModelVersion.objects.filter(is_active=True).update(folder=str(tmp_path), digest="x")
    assert "can't be read" in text_of(lead.get(PAGE)).replace("&#x27;", "'")
    response = lead.post(PAGE, form(90, preview="1"))
    assert response.status_code == 200
    assert "data-preview" not in response.content.decode()

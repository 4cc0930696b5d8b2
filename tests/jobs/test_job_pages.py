"""The pages of jobs: how far, why failed, again, and stop."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from creativefilter.jobs import lifecycle
from creativefilter.jobs.models import Job
from tests.worker_app import KINDS

pytestmark = pytest.mark.django_db
PAGES = "/admin/jobs/job/"


def reader(*permissions: str) -> tuple[User, Client]:
    """Somebody with these permissions, and a browser in English."""
    user = User.objects.create_user("reader", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(user)
    return user, client


def failed(owner: User) -> Job:
    job = lifecycle.create(KINDS["echo"], {"say": "x"}, owner)
    lifecycle.run_stage(str(job.pk), "one", "w")
    lifecycle.claim(str(job.pk), "two", "w")
    lifecycle.fail(Job.objects.get(), "timed_out")
    return Job.objects.get()


def test_the_page_says_how_far_it_came_and_why_it_failed(client: Any) -> None:
    user, browser = reader("view_job")
    text = browser.get(f"{PAGES}{failed(user).pk}/change/").content.decode()
    assert "It took longer than allowed." in text
    assert text.index("<td>one</td><td>Done</td>") < text.index("<td>two</td><td>Failed</td>")
    assert "/retry/" not in text


def test_who_may_change_jobs_starts_them_again_and_stops_them(
    django_capture_on_commit_callbacks: Any,
) -> None:
    user, browser = reader("view_job", "change_job")
    job = failed(user)
    page = f"{PAGES}{job.pk}/"
    assert f"{page}retry/" in browser.get(f"{page}change/").content.decode()
    assert browser.get(f"{page}retry/").status_code == 405
    with django_capture_on_commit_callbacks() as queued:
        browser.post(f"{page}retry/")
    job.refresh_from_db()
    assert (job.state, job.stage, len(queued)) == (Job.State.QUEUED, "one", 1)
    assert "Queued: it is the next one." in browser.get(f"{page}change/").content.decode()
    browser.post(f"{page}cancel/")
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED
    answer = browser.post(f"{page}cancel/", follow=True).content.decode()
    assert "another state by now" in answer


def test_others_may_not(client: Any) -> None:
    user, browser = reader("view_job")
    mine = failed(user)
    for what in ("retry", "cancel"):
        assert browser.post(f"{PAGES}{mine.pk}/{what}/").status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="change_job"))
    theirs = lifecycle.create(KINDS["echo"], {}, User.objects.create_user("other"))
    assert browser.post(f"{PAGES}{theirs.pk}/cancel/").status_code == 404
    assert not Job.objects.filter(state=Job.State.CANCELLED).exists()


def test_what_needs_attention_is_found() -> None:
    user, browser = reader("view_job")
    bad = failed(user)
    good = lifecycle.create(KINDS["echo"], {}, user)
    for standing, shown, hidden in (("attention", bad, good), ("running", good, bad)):
        text = browser.get(f"{PAGES}?standing={standing}").content.decode()
        assert str(shown.pk) in text
        assert str(hidden.pk) not in text


def test_a_page_says_that_there_are_too_many_jobs(settings: Any) -> None:
    user, browser = reader("view_job", "change_job")
    job = failed(user)
    lifecycle.create(KINDS["echo"], {}, user)
    settings.OPEN_JOBS_PER_USER = 1
    page = f"{PAGES}{job.pk}/"
    answer = browser.post(f"{page}retry/", follow=True, headers={"Referer": f"{page}change/"})
    assert "You have 1 job that has not ended" in answer.content.decode()
    job.refresh_from_db()
    assert job.state == Job.State.FAILED

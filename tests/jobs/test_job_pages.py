"""Admin pages of jobs: stages, errors, retry and cancel."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from creativefilter.jobs import lifecycle, stage_runner
from creativefilter.jobs.models import Job
from tests.worker_app import KINDS

pytestmark = pytest.mark.django_db
PAGES = "/admin/jobs/job/"


def user_with(*permissions: str) -> tuple[User, Client]:
    """Return a user with these permissions and a logged-in client that asks for English."""
    user = User.objects.create_user("reader", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(user)
    return user, client


def create_failed_job(owner: User) -> Job:
    job = lifecycle.create(KINDS["echo"], {"say": "x"}, owner)
    stage_runner.run_stage(str(job.pk), "one", "w")
    stage_runner.claim(str(job.pk), "two", "w")
    lifecycle.fail(Job.objects.get(), "timed_out")
    return Job.objects.get()


def test_the_page_shows_stages_and_the_reason_of_the_failure(client: Any) -> None:
    user, browser = user_with("view_job")
    text = browser.get(f"{PAGES}{create_failed_job(user).pk}/change/").content.decode()
    assert "It took longer than allowed." in text
    assert text.index("<td>one</td><td>Done</td>") < text.index("<td>two</td><td>Failed</td>")
    assert "/retry/" not in text


def test_users_who_may_change_jobs_retry_and_cancel_them(
    django_capture_on_commit_callbacks: Any,
) -> None:
    user, browser = user_with("view_job", "change_job")
    job = create_failed_job(user)
    page = f"{PAGES}{job.pk}/"
    assert f"{page}retry/" in browser.get(f"{page}change/").content.decode()
    assert browser.get(f"{page}retry/").status_code == 405
    with django_capture_on_commit_callbacks() as queued:
        browser.post(f"{page}retry/")
    job.refresh_from_db()
    assert (job.state, job.stage, len(queued)) == (Job.State.QUEUED, "one", 1)
    assert "Queued: next in line." in browser.get(f"{page}change/").content.decode()
    browser.post(f"{page}cancel/")
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED
    answer = browser.post(f"{page}cancel/", follow=True).content.decode()
    assert "The state of the job has changed" in answer


def test_only_owners_with_the_permission_may_change_a_job(client: Any) -> None:
    user, browser = user_with("view_job")
    mine = create_failed_job(user)
    for what in ("retry", "cancel"):
        assert browser.post(f"{PAGES}{mine.pk}/{what}/").status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="change_job"))
    theirs = lifecycle.create(KINDS["echo"], {}, User.objects.create_user("other"))
    assert browser.post(f"{PAGES}{theirs.pk}/cancel/").status_code == 404
    assert not Job.objects.filter(state=Job.State.CANCELLED).exists()


def test_the_list_filters_by_failed_and_open_jobs() -> None:
    user, browser = user_with("view_job")
    bad = create_failed_job(user)
    good = lifecycle.create(KINDS["echo"], {}, user)
    for standing, shown, hidden in (("attention", bad, good), ("running", good, bad)):
        text = browser.get(f"{PAGES}?standing={standing}").content.decode()
        assert str(shown.pk) in text
        assert str(hidden.pk) not in text


def test_a_full_quota_is_shown_as_a_message(settings: Any) -> None:
    user, browser = user_with("view_job", "change_job")
    job = create_failed_job(user)
    lifecycle.create(KINDS["echo"], {}, user)
    settings.OPEN_JOBS_PER_USER = 1
    page = f"{PAGES}{job.pk}/"
    answer = browser.post(f"{page}retry/", follow=True, headers={"Referer": f"{page}change/"})
    assert "You have 1 unfinished job" in answer.content.decode()
    job.refresh_from_db()
    assert job.state == Job.State.FAILED


def test_the_action_restarts_jobs_that_failed_and_names_the_others() -> None:
    user, browser = user_with("view_job", "change_job")
    failed = create_failed_job(user)
    good = lifecycle.create(KINDS["echo"], {}, user)
    action = {"action": "retry", "_selected_action": [good.pk]}
    text = browser.post(PAGES, action, follow=True).content.decode()
    assert re.search(r"Jobs that can.{1,6}t be started again: \d", text)
    assert "start again." not in text
    action["_selected_action"] = [good.pk, failed.pk]
    text = browser.post(PAGES, action, follow=True).content.decode()
    assert "1 job starts again." in text

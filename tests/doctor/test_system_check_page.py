"""The page "System check": what leads see, and what their buttons do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse

from creativefilter.accounts.models import AuditEntry
from creativefilter.accounts.roles import Role, give
from creativefilter.doctor import examination_jobs
from creativefilter.jobs.models import Job
from creativefilter.jobs.summaries import outcome_of
from tests.creatives.analysing import run, stored_files, take_in
from tests.doctor.examining import aged

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("installation")]


@pytest.fixture
def lead(client: Client) -> Client:
    user = User.objects.create_user("lead")
    give(user, Role.LEAD)
    client.force_login(user)
    client.cookies[django_settings.LANGUAGE_COOKIE_NAME] = "en"
    return client


ADDRESS = "/admin/system-check/"


def page(client: Client) -> str:
    answer = client.get(ADDRESS)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def orphan() -> Path:
    default_storage.save("creatives/ab/0.wav", ContentFile(b"x"))
    [path] = stored_files(Path(django_settings.MEDIA_ROOT))
    return aged(path)


def newest() -> Job:
    return Job.objects.order_by("-created_at")[0]


def test_nothing_is_wrong_and_the_menu_leads_there(lead: Client) -> None:
    said = page(lead)
    assert reverse("system-check") == ADDRESS
    assert f'href="{ADDRESS}"' in lead.get("/admin/").content.decode()
    assert "Nothing is wrong." in said
    assert "Files, sums and models: not yet." in said
    assert "Mend what is safe" not in said


def test_what_is_quick_to_find_is_shown_at_once(lead: Client, installation: Path) -> None:
    installation.chmod(0o755)
    said = page(lead)
    assert "Files of DATA_DIR that other accounts of this machine can open: 1." in said
    assert str(installation) in said
    assert "manage.py doctor --fix closes them" in said
    assert "Mend what is safe" in said


def test_a_worker_looks_at_everything_and_mends(lead: Client) -> None:
    path = orphan()
    assert lead.post(ADDRESS)["Location"] == ADDRESS
    job = newest()
    assert "A worker will look at everything as soon as one is free." in page(lead)
    lead.post(ADDRESS)
    assert newest() == job

    assert run(job).state == Job.State.DONE
    said = page(lead)
    assert "older than a day that no row names: 1." in said
    assert "creatives/ab/0.wav" in said
    assert re.search(r"Files, sums and models: \d", said)
    assert path.exists()
    mended = AuditEntry.objects.filter(action="system_mended")
    assert not mended.exists()

    lead.post(ADDRESS, {"fix": "1"})
    [entry] = mended
    assert entry.actor_name == "lead"
    assert run(newest()).state == Job.State.DONE
    assert not path.exists()
    said = page(lead)
    assert "Nothing is wrong." in said
    # What was mended is said, too.
    assert "no row names: 1." in said


def test_while_a_worker_is_waited_for_what_is_quick_is_shown(
    lead: Client, installation: Path
) -> None:
    lead.post(ADDRESS)
    installation.chmod(0o755)
    said = page(lead)
    assert "A worker will look at everything" in said
    assert "other accounts of this machine can open: 1." in said
    assert "Mend what is safe" not in said


def test_mending_is_queued_beside_a_look_that_waits(lead: Client) -> None:
    lead.post(ADDRESS)
    lead.post(ADDRESS, {"fix": "1"})
    assert Job.objects.filter(kind="system_check").count() == 2
    lead.post(ADDRESS, {"fix": "1"})
    assert Job.objects.filter(kind="system_check").count() == 2


def test_a_look_that_failed_is_told(lead: Client) -> None:
    lead.post(ADDRESS)
    Job.objects.update(state=Job.State.FAILED, error_code="timed_out")
    said = page(lead)
    assert "The last look did not come to its end" in said
    assert "It took longer than allowed" in said


def test_the_page_of_the_job_says_what_was_found(lead: Client) -> None:
    orphan()
    take_in(b"known", "1.wav")
    lead.post(ADDRESS)
    outcome = outcome_of(run(newest()))
    assert outcome is not None
    [(sentence, _remedy)] = outcome.rows
    assert sentence.endswith("1.")


def test_both_languages(lead: Client, installation: Path) -> None:
    installation.chmod(0o755)
    english = page(lead)
    lead.cookies[django_settings.LANGUAGE_COOKIE_NAME] = "ru"
    russian = page(lead)
    assert "Проверка системы" in russian
    assert "Исправить то, что безопасно" in russian
    assert "other accounts" not in russian
    assert "Проверка" not in english


def test_findings_of_an_app_that_is_gone_are_left_out(lead: Client) -> None:
    lead.post(ADDRESS)
    job = run(newest())
    gone = {"code": "of_an_app_that_is_gone", "count": 1, "things": [], "facts": {}}
    Job.objects.filter(pk=job.pk).update(result={"findings": [gone], "mended": []})
    assert "Nothing is wrong." in page(lead)


def test_others_may_not(client: Client) -> None:
    user = User.objects.create_user("analyst")
    give(user, Role.ANALYST)
    client.force_login(user)
    assert client.get(ADDRESS).status_code == 403
    assert client.post(ADDRESS, {"fix": "1"}).status_code == 403
    assert ADDRESS not in client.get("/admin/").content.decode()
    assert examination_jobs.under_way() is None

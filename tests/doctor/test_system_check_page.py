"""The page "System check"."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from django.utils import translation

from creativefilter.accounts.models import AuditEntry
from creativefilter.accounts.roles import Role, assign
from creativefilter.doctor import examination_jobs
from creativefilter.jobs.models import Job
from creativefilter.jobs.summaries import outcome_of
from tests.creatives.analysing import run, stored_files, take_in
from tests.doctor.examining import aged

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("installation")]


@pytest.fixture
def lead(client: Client) -> Client:
    user = User.objects.create_user("lead")
    assign(user, Role.LEAD)
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


def test_the_page_is_in_the_menu_and_shows_that_nothing_is_wrong(lead: Client) -> None:
    text = page(lead)
    assert reverse("system-check") == ADDRESS
    assert f'href="{ADDRESS}"' in lead.get("/admin/").content.decode()
    assert "Nothing is wrong." in text
    assert "Files, sums and models: not yet." in text
    assert "Repair what is safe" not in text


def test_findings_of_quick_checks_are_shown_at_once(lead: Client, installation: Path) -> None:
    installation.chmod(0o755)
    text = page(lead)
    assert "DATA_DIR included, that other accounts of this machine can open: 1." in text
    assert str(installation) in text
    assert "manage.py doctor --fix takes these permissions away" in text
    assert "Repair what is safe" in text


def test_a_job_runs_all_checks_and_a_second_one_repairs(lead: Client) -> None:
    path = orphan()
    assert lead.post(ADDRESS)["Location"] == ADDRESS
    job = newest()
    assert "A worker will check everything as soon as one is free." in page(lead)
    lead.post(ADDRESS)
    assert newest() == job

    assert run(job).state == Job.State.DONE
    text = page(lead)
    assert "older than a day without a row in the database: 1." in text
    assert "creatives/ab/0.wav" in text
    assert re.search(r"Files, sums and models: \d", text)
    assert path.exists()
    repairs = AuditEntry.objects.filter(action="system_mended")
    assert not repairs.exists()

    lead.post(ADDRESS, {"fix": "1"})
    [entry] = repairs
    assert entry.actor_name == "lead"
    assert run(newest()).state == Job.State.DONE
    assert not path.exists()
    text = page(lead)
    assert "Nothing is wrong." in text
    # The repaired finding is shown as well.
    assert "without a row in the database: 1." in text


def test_quick_findings_are_shown_while_the_job_waits(lead: Client, installation: Path) -> None:
    lead.post(ADDRESS)
    installation.chmod(0o755)
    text = page(lead)
    assert "A worker will check everything" in text
    assert "other accounts of this machine can open: 1." in text
    assert "Repair what is safe" not in text


def test_a_repair_is_queued_beside_a_waiting_check(lead: Client) -> None:
    lead.post(ADDRESS)
    lead.post(ADDRESS, {"fix": "1"})
    assert Job.objects.filter(kind="system_check").count() == 2
    lead.post(ADDRESS, {"fix": "1"})
    assert Job.objects.filter(kind="system_check").count() == 2


def test_the_error_of_a_failed_job_is_shown(lead: Client) -> None:
    lead.post(ADDRESS)
    Job.objects.update(state=Job.State.FAILED, error_code="timed_out")
    text = page(lead)
    assert "The last check did not finish" in text
    assert "It took longer than allowed" in text


def test_the_result_of_the_job_lists_the_findings(lead: Client) -> None:
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


def test_facts_of_findings_are_in_the_language_of_the_person_who_asked(
    lead: Client, settings: Any
) -> None:
    settings.INGEST_FOLDER = "/nowhere"
    lead.cookies[django_settings.LANGUAGE_COOKIE_NAME] = "ru"
    lead.post(ADDRESS)
    with translation.override(None):  # as in a worker
        run(newest())
    assert "INGEST_FOLDER=/nowhere is not" not in page(lead)


def test_a_job_of_an_earlier_release_names_no_language(lead: Client) -> None:
    lead.post(ADDRESS)
    Job.objects.update(params={"fix": False})
    assert run(newest()).state == Job.State.DONE


def test_findings_of_an_app_that_is_gone_are_left_out(lead: Client) -> None:
    lead.post(ADDRESS)
    job = run(newest())
    gone = {"code": "of_an_app_that_is_gone", "count": 1, "things": [], "facts": {}}
    Job.objects.filter(pk=job.pk).update(result={"findings": [gone], "repaired": []})
    assert "Nothing is wrong." in page(lead)


def test_analysts_may_not_open_the_page(client: Client) -> None:
    user = User.objects.create_user("analyst")
    assign(user, Role.ANALYST)
    client.force_login(user)
    assert client.get(ADDRESS).status_code == 403
    assert client.post(ADDRESS, {"fix": "1"}).status_code == 403
    assert ADDRESS not in client.get("/admin/").content.decode()
    assert examination_jobs.under_way() is None

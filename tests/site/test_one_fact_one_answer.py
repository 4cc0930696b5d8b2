"""A cause gives the same error code, however the file is uploaded.

``pytest -s tests/site/test_one_fact_one_answer.py`` prints a table of addresses, causes and codes.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.core.files.base import File
from django.core.files.storage import InMemoryStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client, override_settings
from rest_framework.test import APIClient

from creativefilter.creatives.intake import archive_jobs, watched_folder
from creativefilter.creatives.models import Creative
from creativefilter.jobs import stage_runner
from creativefilter.jobs.models import Job
from creativefilter.site.codes import sentence
from creativefilter.site.unavailable import Unavailable
from creativefilter.spend.models import SpendImport
from creativefilter.tables.models import Table
from tests.creatives.analysing import analyst, folders
from tests.spend.spend_files import text_of

__all__ = ["analyst", "folders"]

pytestmark = pytest.mark.django_db(transaction=True)

MOST = 1024**2
ADDRESSES = {
    "/api/v1/predict": "1.mp4",
    "/predict": "1.mp4",
    "/api/v1/creatives": "1.mp4",
    "/api/v1/predict_table": "plan.csv",
    "/predict_table": "plan.csv",
    "/api/v1/spend/imports": "spend.csv",
}
PAGES = {
    "/admin/creatives/creative/add/": ("files", "1.mp4"),
    "/admin/tables/table/add/": ("file", "plan.csv"),
    "/admin/spend/spendimport/add/": ("file", "spend.csv"),
}
CONTENT = {
    "1.mp4": b"film",
    "plan.csv": b"Advertisement ID\n1\n",
    "spend.csv": text_of("100,a,b,TV Nat,1,2021,3").encode(),
}


class AwayStorage(InMemoryStorage):
    """A storage that does not answer."""

    def _save(self, name: str, content: Any) -> str:
        raise Unavailable("storage_away", "no answer")


AWAY = {
    "default": {"BACKEND": f"{__name__}.AwayStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}


def too_large(_name: str) -> bytes:
    return b"x" * (MOST + MOST // 2)


def empty(_name: str) -> bytes:
    return b""


def good(name: str) -> bytes:
    return CONTENT[name]


# By cause: settings, content of the file, expected status and code.
CAUSES: dict[str, tuple[dict[str, Any], Callable[[str], bytes], int, str]] = {
    "too large": ({"UPLOAD_MAX_BYTES": MOST}, too_large, 413, "too_large"),
    "empty": ({}, empty, 400, "empty"),
    "storage away": ({"STORAGES": AWAY}, good, 503, "storage_away"),
    "quota": ({"OPEN_JOBS_PER_USER": 0}, good, 429, "too_many_open_jobs"),
}


@pytest.fixture(autouse=True)
def _files(folders: Path) -> None:
    """Use temporary folders for stored files."""


@pytest.fixture(params=CAUSES)
def cause(request: pytest.FixtureRequest) -> Iterator[str]:
    name: str = request.param
    with override_settings(**CAUSES[name][0]):
        yield name


def nothing_is_stored() -> bool:
    return not any(model.objects.exists() for model in (Creative, Table, SpendImport, Job))


@pytest.mark.parametrize("address", ADDRESSES)
def test_each_address_answers_a_cause_with_the_same_code(
    api: APIClient, address: str, cause: str
) -> None:
    _settings, content, status, code = CAUSES[cause]
    name = ADDRESSES[address]
    response = api.post(address, {"file": SimpleUploadedFile(name, content(name))})
    body = response.json()
    print(f"{address:32} {cause:14} {response.status_code} {body['code']}")
    assert (response.status_code, body["code"]) == (status, code)
    assert nothing_is_stored()


@pytest.mark.parametrize("page", PAGES)
def test_each_page_shows_the_sentence_of_the_code(analyst: User, page: str, cause: str) -> None:
    _settings, content, _status, code = CAUSES[cause]
    field, name = PAGES[page]
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(analyst)
    response = client.post(page, {field: SimpleUploadedFile(name, content(name))})
    shown = " ".join(str(message) for message in get_messages(response.wsgi_request))
    print(f"{page:32} {cause:14} {response.status_code} {shown}")
    assert response.status_code == 302
    assert sentence(code, {"count": 0}) in shown
    assert nothing_is_stored()


REFUSED = [("too large", "too_large"), ("empty", "empty")]


@pytest.fixture(params=REFUSED, ids=[name for name, _code in REFUSED])
def refused(request: pytest.FixtureRequest, settings: Any) -> tuple[bytes, str]:
    """Content of a file that is refused, and the expected code."""
    name, code = request.param
    settings.UPLOAD_MAX_BYTES = MOST
    return CAUSES[name][1]("1.mp4"), code


def test_a_member_of_an_archive_is_refused_with_the_same_code(refused: tuple[bytes, str]) -> None:
    content, code = refused
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.mp4", content)
    job = archive_jobs.start(File(packed, name="a.zip"), "a.zip", None, {})
    stage_runner.run_stage(str(job.pk), job.stage, "test")
    job.refresh_from_db()
    assert job.result is not None
    assert [each["code"] for each in job.result["refusals"]] == [code]


def test_a_file_of_the_watched_folder_is_refused_with_the_same_code(
    refused: tuple[bytes, str], settings: Any, tmp_path: Path
) -> None:
    content, code = refused
    settings.INGEST_FOLDER, settings.INGEST_QUIET_SECONDS = str(tmp_path / "watched"), 0
    (tmp_path / "watched").mkdir()
    (tmp_path / "watched" / "1.mp4").write_bytes(content)
    assert watched_folder.look() is None
    job = watched_folder.look()
    assert job is not None
    stage_runner.run_stage(str(job.pk), job.stage, "test")
    job.refresh_from_db()
    assert job.result is not None
    assert [each["code"] for each in job.result["refusals"]] == [code]


def test_ingest_refuses_a_file_with_the_sentence_of_the_code(
    refused: tuple[bytes, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, code = refused
    (tmp_path / "many").mkdir()
    (tmp_path / "many" / "1.mp4").write_bytes(content)
    call_command("ingest", tmp_path / "many")
    assert sentence(code) in capsys.readouterr().err


DAMAGED = {"/api/v1/predict_table": "plan.xlsx", "/predict_table": "plan.xlsx"}


@pytest.mark.parametrize("address", DAMAGED)
def test_a_damaged_workbook_is_refused_at_once(api: APIClient, address: str) -> None:
    upload = SimpleUploadedFile(DAMAGED[address], b"PK\3\4 no archive")
    response = api.post(address, {"file": upload})
    print(f"{address:32} {'damaged':14} {response.status_code} {response.json()['code']}")
    assert (response.status_code, response.json()["code"]) == (400, "table_damaged")
    assert nothing_is_stored()

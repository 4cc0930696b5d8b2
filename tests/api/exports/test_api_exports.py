"""REST views of exports: create, poll, download."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from rest_framework.test import APIClient

from creativefilter.accounts.roles import Role
from creativefilter.jobs.models import Job
from creativefilter.spend.reports import export_jobs
from tests.api.roles_of import client_of
from tests.creatives.analysing import run
from tests.spend.spent import little_spend

pytestmark = pytest.mark.django_db
EXPORTS = "/api/v1/exports"


@pytest.fixture(autouse=True)
def data(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = settings.MEDIA_ROOT = tmp_path
    little_spend(tmp_path)


def exported(api: APIClient, body: dict[str, Any]) -> Any:
    """Create an export, run its job and return the export."""
    response = api.post(EXPORTS, {"kind": "creatives", **body}, format="json")
    assert response.status_code == 202, response.content
    assert response.json()["download_url"] is None
    run(Job.objects.get(pk=response.json()["id"]))
    return api.get(response["Location"]).json()


def content(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_an_export_is_created_and_downloaded(api: APIClient) -> None:
    done = exported(api, {"format": "csv_excel", "filters": {"segment": ["3", "none"]}})
    assert (done["state"], done["rows"], done["format"]) == ("done", 3, "csv_excel")
    assert done["filters"]["segment"] == ["none", "3"]
    response = api.get(done["download_url"], headers={"Accept": "text/csv"})
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="creatives-' in response["Content-Disposition"]
    text = content(response)
    assert len(text) == done["bytes"] == int(response["Content-Length"])
    rows = text.decode("utf-8-sig").splitlines()
    assert len(rows) == 4
    assert rows[1].startswith("100;3;")
    part = api.get(done["download_url"], headers={"Range": "bytes=3-9"})
    assert (part.status_code, content(part)) == (206, text[3:10])
    assert done["id"] in [row["id"] for row in api.get(EXPORTS).json()["results"]]


def test_filters_apply_to_a_workbook(api: APIClient) -> None:
    filters = {"from": "2021-04", "to": "2021-12", "advertiser": ["МАГНИТ"], "reviewed": False}
    done = exported(api, {"format": "xlsx", "filters": filters})
    book = load_workbook(io.BytesIO(content(api.get(done["download_url"]))))
    assert [row[0] for row in book.active.values] == ["Advertisement ID", "200"]
    assert done["filters"] == {**filters, "segment": [], "brand": [], "media_type": []}


def test_unfinished_and_expired_exports_have_different_errors(
    api: APIClient, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as queued:
        waiting = api.post(EXPORTS, {"kind": "creatives", "format": "csv"}, format="json").json()
    assert len(queued) == 1
    early = api.get(f"{waiting['url']}/download")
    assert (early.status_code, early.json()["code"]) == (409, "export_not_ready")
    done = exported(api, {"format": "csv"})
    export_jobs.file_of(Job.objects.get(pk=done["id"])).unlink()
    late = api.get(done["download_url"])
    assert (late.status_code, late.json()["code"]) == (410, "export_gone")
    assert api.get(done["url"]).json()["download_url"] is None


def test_exports_are_private_to_their_owner(api: APIClient, stranger: APIClient) -> None:
    viewer, other = client_of(Role.VIEWER), client_of(Role.VIEWER, "other")
    done = exported(viewer, {"format": "csv"})
    assert content(viewer.get(done["download_url"]))
    for client in (other, api):
        assert client.get(done["url"]).status_code == 404
        assert client.get(done["download_url"]).status_code == 404
        assert client.get(EXPORTS).json()["results"] == []
    assert stranger.post(EXPORTS, {}, format="json").status_code == 403


def test_an_invalid_request_is_refused_by_field(api: APIClient) -> None:
    for wrong, field in (
        ({"format": "pdf"}, "format"),
        ({"kind": "cats"}, "kind"),
        ({"filters": {"from": "2023-13"}}, "filters.from"),
        ({"filters": {"from": "2023-02", "to": "2023-01"}}, "filters.to"),
        ({"filters": {"colour": 1}}, "filters.colour"),
        ({"filters": {"segment": ["19"]}}, "filters.segment.0"),
        ({"filters": {"brand": ["\x00"]}}, "filters.brand.0"),
    ):
        body = {"kind": "creatives", "format": "csv", **wrong}
        response = api.post(EXPORTS, body, format="json")
        assert (response.status_code, list(response.json()["errors"])) == (400, [field])
    assert not Job.objects.filter(kind="spend_export").exists()

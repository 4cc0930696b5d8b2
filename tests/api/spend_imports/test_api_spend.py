"""REST views of imports of spend."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from rest_framework.test import APIClient

from creativefilter.jobs.models import Job
from creativefilter.spend.models import SpendImport, SpendRow
from tests.creatives.analysing import run
from tests.spend.spend_files import sums, text_of

pytestmark = pytest.mark.django_db
IMPORTS = "/api/v1/spend/imports"
State = SpendImport.State

MARCH = text_of("100,A,B,TV,1000.125,2021,3", "100,A,B,TV,1.5,2021,3").encode()
APRIL = text_of("100,A,B,TV,7,2021,4").encode()
MIXED = text_of("100,A,B,TV,10,2021,3", "100,A,B,TV,дорого,2021,3").encode()


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def send(api: APIClient, form: Any) -> Any:
    """``send(content, **how)`` uploads a table and returns the response."""

    def post(content: bytes, **how: str) -> Any:
        return api.post(IMPORTS, form(content, "spend.csv", **how))

    return post


def ended(api: APIClient, response: Any) -> Any:
    """Run the job of an accepted import and return the import."""
    assert response.status_code == 202, response.content
    run(Job.objects.get(pk=response.json()["job"]["id"]))
    return api.get(response["Location"]).json()


def test_an_upload_is_queued_and_imported(
    send: Any, api: APIClient, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as queued:
        response = send(MARCH)
    assert response.status_code == 202
    assert len(queued) == 1
    answer = response.json()
    assert response["Location"] == answer["url"] == f"http://testserver{IMPORTS}/{answer['id']}"
    assert (answer["state"], answer["job"]["state"], answer["report"]) == (
        "uploaded", "queued", None
    )  # fmt: skip
    done = ended(api, response)
    assert (done["state"], done["rows"], done["amount"], done["owner"]) == (
        "imported", 2, "1001.6250", "analyst"
    )  # fmt: skip
    assert done["job"]["state"] == "done"
    assert done["error"] is None
    assert sums() == {"2021-03": Decimal("1001.625")}
    job = api.get(done["job"]["url"]).json()
    assert (job["kind"], job["result"]) == ("spend_import", None)


def test_a_dry_run_reports_and_changes_nothing(send: Any, api: APIClient) -> None:
    ended(api, send(MARCH))
    done = ended(api, send(MIXED, dry_run="true"))
    report = done["report"]
    assert (done["state"], report["encoding"], report["delimiter"]) == ("checked", "utf-8", ",")
    assert (report["rows"], report["bad_rows"], report["amount"]) == (1, 1, "10.0000")
    assert report["months"] == [{"month": "2021-03-01", "rows": 1, "amount": "10.0000"}]
    assert report["existing"] == [{"month": "2021-03-01", "rows": 2, "amount": "1001.6250"}]
    [bad] = report["bad_examples"]
    assert (bad["line"], bad["reason"]) == (3, "not_a_number")
    assert bad["message"] == "the cost is not a number"
    assert bad["cells"][4] == "дорого"
    assert sums() == {"2021-03": Decimal("1001.625")}


def test_a_checked_table_is_imported_without_another_upload(send: Any, api: APIClient) -> None:
    checked = ended(api, send(MARCH, dry_run="true"))
    done = ended(api, api.post(f"{checked['url']}/start", {"strict": True}, format="json"))
    assert (done["id"], done["state"], done["strict"]) == (checked["id"], "imported", True)
    again = api.post(f"{checked['url']}/start", {}, format="json")
    assert again.status_code == 409
    assert (again.json()["code"], again.json()["detail"]) == (
        "spend_imported", "This file is imported already."
    )  # fmt: skip


def test_months_with_spend_need_a_mode(send: Any, api: APIClient) -> None:
    ended(api, send(MARCH))
    done = ended(api, send(MIXED))
    assert (done["state"], done["error"]["code"]) == ("failed", "spend_months_exist")
    assert "2021-03" in done["error"]["message"]
    replaced = ended(api, api.post(f"{done['url']}/start", {"mode": "replace"}, format="json"))
    assert (replaced["state"], replaced["mode"]) == ("imported", "replace")
    assert sums() == {"2021-03": Decimal(10)}


def test_a_strict_import_with_bad_rows_fails(send: Any, api: APIClient) -> None:
    done = ended(api, send(MIXED, strict="true"))
    assert (done["state"], done["error"]["code"]) == ("failed", "spend_bad_rows")
    assert not SpendRow.objects.exists()


def test_a_table_that_was_imported_before_changes_nothing(send: Any, api: APIClient) -> None:
    first = ended(api, send(MARCH))
    done = ended(api, send(MARCH, mode="add"))
    assert (done["state"], done["report"]["known_import"]) == ("known", first["id"])
    assert sums() == {"2021-03": Decimal("1001.625")}


def test_bad_rows_are_downloaded_as_csv(send: Any, api: APIClient) -> None:
    done = ended(api, send(MIXED, dry_run="true"))
    response = api.get(done["bad_rows_url"], headers={"Accept": "text/csv"})
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    heading, row = b"".join(response).decode("utf-8-sig").splitlines()
    assert heading.startswith("line of the file;reason;Advertisement ID;")
    assert row == "3;the cost is not a number;100;A;B;TV;дорого;2021;3"
    missing = api.get(f"{IMPORTS}/999/bad-rows.csv", headers={"Accept": "text/csv"})
    assert (missing.status_code, missing["Content-Type"]) == (404, "application/problem+json")


def test_an_import_can_be_cancelled_once(send: Any, api: APIClient) -> None:
    response = send(MARCH)
    address = f"{response['Location']}/cancel"
    cancelled = api.post(address)
    assert (cancelled.status_code, cancelled.json()["job"]["state"]) == (200, "cancelled")
    assert api.post(address).status_code == 409
    assert ended(api, response)["state"] == "cancelled"
    assert not SpendRow.objects.exists()


def test_the_list_is_paged_and_leaves_reports_out(
    send: Any, api: APIClient, django_assert_max_num_queries: Any
) -> None:
    for content in (MARCH, APRIL, MIXED):
        ended(api, send(content, dry_run="true"))
    with django_assert_max_num_queries(6):
        page = api.get(f"{IMPORTS}?page_size=2").json()
    assert (page["previous"], len(page["results"])) == (None, 2)
    assert page["results"][0]["bad_rows"] == 1
    assert "report" not in page["results"][0]
    assert len(api.get(page["next"]).json()["results"]) == 1


@pytest.mark.parametrize(
    "how", [{"mode": "overwrite"}, {"strict": "perhaps"}, {"dry_run": "x"}, {"file": "no file"}]
)
def test_an_invalid_request_is_refused_by_field(api: APIClient, form: Any, how: Any) -> None:
    response = api.post(IMPORTS, {**form(MARCH, "spend.csv"), **how})
    assert response.status_code == 400
    assert list(response.json()["errors"]) == list(how)
    assert not SpendImport.objects.exists()


def test_a_file_that_is_too_large_is_refused(send: Any, settings: Any) -> None:
    settings.UPLOAD_MAX_BYTES = 10
    response = send(MARCH)
    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    assert not SpendImport.objects.exists()


def test_imports_require_permissions(
    send: Any, form: Any, stranger: APIClient, anonymous: APIClient
) -> None:
    row = send(MARCH).json()["url"]
    pages = [("get", IMPORTS), ("get", row), ("get", f"{row}/bad-rows.csv")]
    changes = [("post", f"{row}/start"), ("post", f"{row}/cancel")]
    for method, address in [*pages, *changes]:
        assert getattr(stranger, method)(address).status_code == 403, address
        assert getattr(anonymous, method)(address).status_code == 401, address
    assert stranger.post(IMPORTS, form(APRIL)).status_code == 403
    user = User.objects.get(username="stranger")
    user.user_permissions.add(Permission.objects.get(codename="view_spendimport"))
    for method, address in pages:
        assert getattr(stranger, method)(address).status_code == 200, address
    for method, address in changes:
        assert getattr(stranger, method)(address).status_code == 403, address
    assert stranger.post(IMPORTS, form(APRIL)).status_code == 403
    assert Job.objects.count() == 1

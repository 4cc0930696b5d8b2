"""REST views of tables: upload, poll, download; and those of the reference service."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from knox.models import AuthToken
from openpyxl import load_workbook
from rest_framework.test import APIClient

from creativefilter.accounts import roles
from creativefilter.jobs import lifecycle
from creativefilter.jobs.models import Job
from creativefilter.tables.models import Table
from tests.creatives.analysing import run
from tests.tables.table_files import rows_of, stored, workbook

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/predict_table"
CSV = b"Advertisement ID,n\n1,x\n2,y\n"


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def client_of(name: str, role: str = "analyst") -> APIClient:
    user = User.objects.create_user(name)
    roles.assign(user, roles.Role(role))
    client = APIClient()
    _row, token = AuthToken.objects.create(user=user)
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}", HTTP_ACCEPT_LANGUAGE="en")
    return client


def send(client: Any, content: bytes = CSV, name: str = "план.csv", address: str = ADDRESS) -> Any:
    return client.post(address, {"file": SimpleUploadedFile(name, content)})


def run_last_job() -> Job:
    job = Job.objects.filter(kind="predict_table").latest("created_at")
    return run(job)


def body_of(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_a_table_is_uploaded_polled_and_downloaded(
    api: Any, django_capture_on_commit_callbacks: Any
) -> None:
    stored("1", 12)
    with django_capture_on_commit_callbacks() as queued:
        sent = send(api)
    assert sent.status_code == 202
    assert len(queued) == 1
    table = sent.json()
    assert sent["Location"] == table["url"]
    assert (table["name"], table["file"], table["counts"]) == ("план.csv", None, None)
    assert api.get(table["job"]["url"]).json()["links"] == {"table": table["url"]}
    assert api.get(f"{table['url']}/file").status_code == 409
    assert api.get(f"{table['url']}/file").json()["code"] == "table_not_ready"
    run_last_job()
    done = api.get(table["url"]).json()
    assert done["job"]["state"] == "done"
    assert (done["counts"]["answered"], done["counts"]["unknown"]) == (1, 1)
    file = api.get(done["file"], HTTP_ACCEPT="text/csv")
    assert file["Content-Type"] == "text/csv"
    assert "attachment" in file["Content-Disposition"]
    assert "_segments.csv" in file["Content-Disposition"]
    assert body_of(file).decode().splitlines()[1] == "1,x,12,Кредитные карты,0.9,no,ok"
    assert [row["id"] for row in api.get(ADDRESS).json()["results"]] == [table["id"]]
    assert api.delete(table["url"]).status_code == 204
    assert api.get(table["url"]).status_code == 404


def test_a_workbook_keeps_its_type(api: Any) -> None:
    sent = send(api, workbook([["Advertisement ID"], [1]]), "t.xlsx").json()
    run_last_job()
    file = api.get(f"{sent['url']}/file")
    assert file["Content-Type"].endswith("spreadsheetml.sheet")
    assert rows_of(body_of(file))[1] == (1, None, None, None, None, "unknown")


@pytest.mark.parametrize(
    ("content", "code"), [(b"", "empty"), (b"PK\3\4 no archive", "table_damaged")]
)
def test_a_file_that_is_not_a_table_is_refused(api: Any, content: bytes, code: str) -> None:
    response = send(api, content)
    assert (response.status_code, response.json()["code"]) == (400, code)
    assert not Table.objects.exists()


def test_a_table_without_an_id_column_fails_with_a_reason(api: Any) -> None:
    sent = send(api, b"a,b\n1,2\n").json()
    run_last_job()
    job = api.get(sent["url"]).json()["job"]
    assert (job["state"], job["error"]["code"]) == ("failed", "table_no_column")
    assert "Advertisement ID" in job["error"]["message"]


def test_tables_are_private_even_to_a_lead(api: Any) -> None:
    own = send(client_of("first")).json()["url"]
    for other in (client_of("second"), client_of("boss", "lead"), api):
        for method, address in (
            ("get", own), ("delete", own), ("get", f"{own}/file"), ("post", f"{own}/cancel"),
        ):  # fmt: skip
            assert getattr(other, method)(address).status_code == 404
        assert own not in str(other.get(ADDRESS).json())
    viewer = client_of("viewer", "viewer")
    assert send(viewer).status_code == 403
    assert viewer.get(ADDRESS).status_code == 403
    assert send(APIClient()).status_code == 401
    assert Group.objects.get(name="analyst").permissions.filter(codename="add_table").exists()


def test_a_table_can_be_cancelled_once(api: Any) -> None:
    own = send(api).json()["url"]
    assert api.post(f"{own}/cancel").json()["job"]["state"] == "cancelled"
    again = api.post(f"{own}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "job_ended")


def test_an_upload_with_the_same_idempotency_key_makes_one_table(api: Any) -> None:
    answers = [
        api.post(
            ADDRESS, {"file": SimpleUploadedFile("t.csv", CSV)}, HTTP_IDEMPOTENCY_KEY="abc"
        ).json()["id"]
        for _time in range(2)
    ]
    assert len(set(answers)) == Table.objects.count() == 1


# The view of the reference service


def run_jobs_while_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the job of a table within the request that waits for it."""
    monkeypatch.setattr(
        "creativefilter.api.tables.views.wait_for", lambda job, seconds: bool(run(job))
    )


@pytest.mark.parametrize("address", ["/predict_table", "/predict_table/"])
def test_a_workbook_is_answered_with_segments(
    api: Any, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    run_jobs_while_waiting(monkeypatch)
    stored("1", 12)
    content = workbook([["Advertisement ID", "x"], [1, "a"], [404, "b"]])
    response = send(api, content, "t.xlsx", address)
    assert response.status_code == 200
    sheet = load_workbook(io.BytesIO(body_of(response))).active
    assert sheet is not None
    assert [cell.value for cell in sheet["D"]] == ["Segment", "Кредитные карты", None]
    assert sheet["A3"].value == 404


def test_after_the_wait_the_answer_names_the_job_and_the_table(api: Any, settings: Any) -> None:
    settings.PREDICT_WAIT_SECONDS = 0
    response = send(api, address="/predict_table")
    assert response.status_code == 504
    body = response.json()
    assert (body["result"], body["reason"]) == (None, "not_ready")
    assert body["job"] == response["Location"]
    run_last_job()
    assert api.get(api.get(body["table"]).json()["file"]).status_code == 200


def test_a_table_that_fails_is_a_422(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run_jobs_while_waiting(monkeypatch)
    response = send(api, b"a,b\n1,2\n", address="/predict_table")
    assert response.status_code == 422
    assert response.json()["reason"] == "table_no_column"


def test_a_job_that_ends_while_the_table_is_read_is_answered_as_not_ready(
    api: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PREDICT_WAIT_SECONDS = 0
    real = Table.refresh_from_db

    def refresh_from_db(table: Table, **options: Any) -> None:
        real(table, **options)
        run_last_job()

    monkeypatch.setattr(Table, "refresh_from_db", refresh_from_db)
    response = send(api, address="/predict_table")
    assert (response.status_code, response.json()["reason"]) == (504, "not_ready")
    assert response.json()["job"]


def test_the_message_about_a_failure_has_its_details(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_jobs_while_waiting(monkeypatch)
    two = b"Advertisement ID;a,ID advertisement\n1;2,3\n"
    response = send(api, two, address="/predict_table")
    assert (response.status_code, response.json()["reason"]) == (422, "table_ambiguous")
    assert "…" not in response.json()["message"]


def test_a_table_cancelled_during_the_wait_is_a_422(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "creativefilter.api.tables.views.wait_for", lambda job, seconds: lifecycle.cancel(job)
    )
    response = send(api, address="/predict_table")
    assert (response.status_code, response.json()["reason"]) == (422, "cancelled")
    assert response.json()["message"]


def test_predict_anonymous_lets_clients_without_login_upload_and_read(
    anonymous: Any, settings: Any
) -> None:
    assert send(anonymous, address="/predict_table").status_code == 401
    settings.PREDICT_ANONYMOUS, settings.PREDICT_WAIT_SECONDS = True, 0
    late = send(anonymous, address="/predict_table").json()
    run_last_job()
    file = anonymous.get(anonymous.get(late["table"]).json()["file"])
    assert body_of(file).startswith(b"Advertisement ID,n,Segment_num")
    assert anonymous.delete(late["table"]).status_code == 401
    assert anonymous.get(ADDRESS).status_code == 401
    own = send(client_of("first")).json()["url"]
    assert anonymous.get(own).status_code == 404

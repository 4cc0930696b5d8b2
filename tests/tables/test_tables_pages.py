"""The admin pages where users upload tables to classify."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from creativefilter.accounts import roles
from creativefilter.jobs.models import Job
from creativefilter.tables.models import Table
from tests.creatives.analysing import run
from tests.tables.table_files import stored

pytestmark = pytest.mark.django_db
LIST = "/admin/tables/table/"


def client_of(name: str, role: str = "analyst") -> Client:
    user = User.objects.create_user(name)
    roles.assign(user, roles.Role(role))
    client = Client()
    client.force_login(User.objects.get(pk=user.pk))
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def page(db: None) -> Client:
    return client_of("anna")


def send(page: Client, content: bytes = b"Advertisement ID;n\n1;x\n2;y\n", **options: Any) -> Any:
    file = SimpleUploadedFile("план.csv", content)
    return page.post(f"{LIST}add/", {"file": file}, **options)


def text(page: Client, address: str) -> str:
    content = page.get(address).content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", content).replace("\xa0", " "))


def newest() -> Table:
    return Table.objects.select_related("job").latest("created_at")


def address() -> str:
    return f"{LIST}{newest().pk}/change/"


def run_job() -> None:
    job = newest().job
    assert job
    run(job)


def test_a_table_is_uploaded_classified_and_downloaded(
    page: Client, django_capture_on_commit_callbacks: Any
) -> None:
    stored("1", 12)
    with django_capture_on_commit_callbacks() as queued:
        response = send(page)
    assert response["Location"] == address()
    assert len(queued) == 1
    assert "Queued" in text(page, address())
    progress_rows = page.get(f"{LIST}progress/?id={newest().pk}").json()["rows"]
    assert [(each["title"], each["final"]) for each in progress_rows] == [("Queued", False)]
    run_job()
    page_text = text(page, address())
    assert "Done" in page_text
    assert "Rows 2" in page_text
    assert "with a segment 1" in page_text
    assert "unknown" in page_text
    file = page.get(f"{LIST}{newest().pk}/file/")
    lines = b"".join(file.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert lines[1] == "1;x;12;Credit cards;0,9;no;Classified"
    assert lines[2].endswith("There is no creative with this Advertisement ID")
    assert "план.csv" in text(page, LIST)


def test_the_upload_script_gets_the_address_of_the_page(page: Client) -> None:
    sent = send(page, headers={"accept": "application/json"})
    assert sent.json()["location"] == address()


def test_refused_tables_have_a_reason(page: Client) -> None:
    assert send(page, b"")["Location"] == f"{LIST}add/"
    assert "The file is empty." in text(page, LIST)
    send(page, b"a;b\n1;2\n")
    run_job()
    assert "The table has no column «Advertisement ID»" in text(page, address())


def test_a_table_can_be_cancelled_and_deleted(page: Client) -> None:
    send(page)
    own = f"{LIST}{newest().pk}/"
    assert f'action="{own}cancel/"' in page.get(f"{own}change/").content.decode()
    page.post(f"{own}cancel/")
    assert "Cancelled" in text(page, address())
    job = newest().job
    assert job
    assert job.state == Job.State.CANCELLED
    assert page.post(f"{LIST}{newest().pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Table.objects.exists()


def test_other_users_do_not_see_a_table(page: Client) -> None:
    send(page)
    run_job()
    own = f"{LIST}{newest().pk}"
    for other in (client_of("boris"), client_of("lead", "lead")):
        assert "план.csv" not in text(other, LIST)
        assert other.get(f"{own}/change/").status_code != 200
        assert other.get(f"{own}/file/").status_code == 404
        assert other.post(f"{own}/cancel/").status_code == 404
        assert other.get(f"{LIST}progress/?id={newest().pk}").json() == {"rows": []}
    viewer = client_of("viewer", "viewer")
    assert viewer.get(LIST).status_code == 403
    assert send(viewer).status_code == 403

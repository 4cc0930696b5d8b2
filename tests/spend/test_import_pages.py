"""Admin pages of spend imports: upload, check, import, replace, cancel, delete."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from creativefilter.jobs import stage_runner
from creativefilter.jobs.models import Job
from creativefilter.spend.models import SpendImport, SpendRow
from tests.creatives.analysing import run
from tests.spend.spend_files import HEADING, sums, text_of

pytestmark = pytest.mark.django_db
LIST = "/admin/spend/spendimport/"
ADD = f"{LIST}add/"
State, Mode = SpendImport.State, SpendImport.Mode

MARCH = text_of("100,A,B,TV,1000.125,2021,3", "100,A,B,TV,1.5,2021,3")
SPRING = text_of("100,A,B,TV,10,2021,3", "200,A,C,Radio,20,2021,4")
OFFICE = text_of(
    "100;A;«Ёлка»;TV;1 000,50;2021;3;7",
    "100;A;=1+1;TV;дорого;2021;3;7",
    "100;A;<b>;TV;1,5;2021;13;7",
    heading=HEADING.replace(",", ";") + ";GRP",
).encode("cp1251")


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def page(db: None) -> Client:
    return client_of(User.objects.create_superuser("importer"))


@pytest.fixture
def someone(db: None) -> Callable[..., Client]:
    """Return a function that logs in a staff user with only these permissions."""

    def make(*permissions: str) -> Client:
        user = User.objects.create_user(f"user-{'-'.join(permissions)}", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        return client_of(user)

    return make


def send(page: Client, content: str | bytes, name: str = "расходы.csv", **options: Any) -> Any:
    content = content.encode() if isinstance(content, str) else content
    return page.post(ADD, {"file": SimpleUploadedFile(name, content)}, **options)


def newest() -> SpendImport:
    return SpendImport.objects.select_related("job").latest("pk")


def address(row: SpendImport) -> str:
    return f"{LIST}{row.pk}/change/"


def text(page: Client, row: SpendImport) -> str:
    """Return the HTML of an import's page in one line."""
    return re.sub(r"\s+", " ", page.get(address(row)).content.decode().replace("\xa0", " "))


def worked(row: SpendImport) -> SpendImport:
    """Run the import's job; return the import."""
    row.refresh_from_db()
    assert row.job
    run(row.job)
    return SpendImport.objects.select_related("job").get(pk=row.pk)


def checked(page: Client, content: str | bytes, **options: Any) -> SpendImport:
    assert send(page, content, **options).status_code == 302
    return worked(newest())


def press(page: Client, row: SpendImport, **chosen: str) -> SpendImport:
    """Submit the form "Import" and run the job; return the import."""
    seen = re.search(r'name="seen" value="([^"]*)"', page.get(address(row)).content.decode())
    fields = {"seen": seen[1] if seen else "", **chosen}
    assert page.post(f"{LIST}{row.pk}/import/", fields).status_code == 302
    return worked(row)


def test_a_file_is_uploaded_checked_and_imported(
    page: Client, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as queued:
        response = send(page, MARCH)
    row = newest()
    assert response["Location"] == address(row)
    assert len(queued) == 1
    assert row.job
    assert row.job.params["dry_run"] is True
    assert "Queued" in text(page, row)
    assert "Cancel" in text(page, row)
    row = worked(row)
    found = text(page, row)
    assert not SpendRow.objects.exists()
    for fact in ("UTF-8", "comma", "point", "1,001.63", "March 2021", "03.2021"):
        assert fact in found, fact
    assert "There is no spend yet" in found
    row = press(page, row)
    assert (row.state, row.mode) == (State.IMPORTED, "")
    assert sums() == {"2021-03": Decimal("1001.625")}
    assert "Imported on" in text(page, row)
    assert f"{LIST}{row.pk}/import/" not in text(page, row)


def test_the_page_shows_the_detected_format_and_the_bad_rows(page: Client) -> None:
    row = checked(page, OFFICE)
    found = text(page, row)
    for fact in (
        "Windows-1251",
        "semicolon",
        "Columns that are not needed</dt><dd>GRP",
        "1,000.50",
    ):
        assert fact in found, fact
    assert "<td>3</td><td>the cost is not a number</td>" in found
    assert "<td>4</td><td>there is no such month: 1 to 12</td>" in found
    assert "дорого" in found
    assert "&lt;b&gt;" in found
    assert "<b>" not in found


def test_downloaded_bad_rows_contain_no_formulas(page: Client) -> None:
    row = checked(page, OFFICE)
    download = re.search(r'href="([^"]*bad-rows[^"]*)"', text(page, row))
    assert download
    response = page.get(download[1])
    assert response["Content-Disposition"].startswith("attachment")
    content = b"".join(response).decode("utf-8-sig")
    heading, *rows = csv.reader(content.splitlines(), delimiter=";")
    assert heading[2:] == [*HEADING.split(","), "GRP"]
    assert [cells[0] for cells in rows] == ["3", "4"]
    assert rows[0][4] == "'=1+1"
    assert rows[1][4] == "<b>"


def test_bad_rows_refuse_the_file_only_if_all_rows_are_required(page: Client) -> None:
    row = press(page, checked(page, OFFICE), rows="all")
    assert row.state == State.FAILED
    assert "Rows that can&#x27;t be used: 2." in text(page, row)
    assert not SpendRow.objects.exists()
    row = press(page, row, rows="good")
    assert row.state == State.IMPORTED
    assert sums() == {"2021-03": Decimal("1000.5")}
    assert "дорого" in text(page, row)


def test_existing_months_require_a_choice(page: Client) -> None:
    press(page, checked(page, MARCH))
    row = checked(page, SPRING)
    lost = text(page, row).split("Replacing removes")[1].split("</table>")[0]
    assert "<td>March 2021</td><td>2</td><td>1,001.63</td>" in lost
    assert "April" not in lost
    address_of_import = f"{LIST}{row.pk}/import/"
    answer = page.post(address_of_import, {}, follow=True).content.decode()
    assert "Choose what to do with the months" in answer
    assert Job.objects.filter(params__spend_import=row.pk).count() == 1
    added = press(page, row, mode="add")
    assert (added.state, added.mode) == (State.IMPORTED, Mode.ADD)
    assert sums() == {"2021-03": Decimal("1011.625"), "2021-04": Decimal(20)}


def test_replacing_removes_the_existing_months(page: Client) -> None:
    first = press(page, checked(page, MARCH))
    row = press(page, checked(page, SPRING), mode="replace")
    assert (row.state, row.mode) == (State.IMPORTED, Mode.REPLACE)
    assert sums() == {"2021-03": Decimal(10), "2021-04": Decimal(20)}
    first.refresh_from_db()
    assert first.state == State.REPLACED
    assert "replaced by a later import" in text(page, first)


def test_replacing_is_refused_if_existing_spend_changed_since_it_was_shown(page: Client) -> None:
    press(page, checked(page, MARCH))
    row = checked(page, SPRING)
    seen = re.search(r'name="seen" value="([^"]+)"', text(page, row))
    assert seen
    press(page, checked(page, text_of("300,A,B,TV,7,2021,4")))
    chosen = {"mode": "replace", "seen": seen[1]}
    answer = page.post(f"{LIST}{row.pk}/import/", chosen, follow=True).content.decode()
    assert "What would be replaced has changed meanwhile" in answer
    assert "April 2021" in answer.split("Replacing removes")[1].split("</table>")[0]
    row.refresh_from_db()
    assert row.state == State.CHECKED
    assert len(sums()) == 2


def test_importing_a_known_table_changes_nothing(page: Client) -> None:
    first = press(page, checked(page, MARCH))
    again = checked(page, MARCH, name="copy.csv")
    found = text(page, again)
    assert "This table was imported before. Importing it again would change nothing." in found
    assert address(first) in found
    assert f"{LIST}{again.pk}/import/" not in found
    known = press(page, again, mode="add")
    assert known.state == State.KNOWN
    assert (known.rows, known.bad_rows, known.amount) == (first.rows, 0, first.amount)
    assert sums() == {"2021-03": Decimal("1001.625")}


def test_the_page_of_an_unusable_file_gives_the_reason(page: Client) -> None:
    row = checked(page, b"a;b\n1;2\n")
    assert row.state == State.FAILED
    why = "The table has no column «Advertisement ID»"
    assert why in text(page, row)
    assert why in page.get(f"/admin/jobs/job/{row.job_id}/change/").text
    none = checked(page, text_of("100,A,B,TV,1,2021,13"))
    assert "None of the rows can be used." in text(page, none)
    assert f"{LIST}{none.pk}/import/" not in text(page, none)


def test_cancelling_stops_the_job(page: Client) -> None:
    send(page, MARCH)
    row = newest()
    shown = page.get(f"{LIST}{row.pk}/change/").content.decode()
    assert f'action="{LIST}{row.pk}/cancel/"' in shown
    answer = page.post(f"{LIST}{row.pk}/cancel/", follow=True).content.decode()
    assert "Nothing was imported." in answer
    row = worked(row)
    assert (row.state, row.report) == (State.CANCELLED, {})
    answer = page.post(f"{LIST}{row.pk}/cancel/", follow=True).content.decode()
    assert "The job has already ended." in answer
    page.post(f"{LIST}{row.pk}/check/")
    assert worked(row).state == State.CHECKED


def test_progress_is_shown_while_the_job_runs(page: Client) -> None:
    send(page, MARCH)
    row = newest()
    assert row.job
    claimed = stage_runner.claim(str(row.job.pk), row.job.stage, "test")
    assert claimed
    stage_runner.write_progress(claimed, 40)
    [now] = page.get(f"{LIST}progress/?id={row.pk}&id=x&id=999").json()["rows"]
    assert (now["title"], now["percent"], now["final"]) == ("Being checked", 40, False)
    assert 'style="width:40%"' in text(page, row)
    page.post(f"{LIST}{row.pk}/check/")
    assert "being worked on right now" in page.get(address(row)).content.decode()


@pytest.mark.parametrize("where", ["{}/change/", "progress/?id={}", ""])
def test_an_import_and_its_job_are_read_by_one_query(page: Client, where: str) -> None:
    """With two queries, the page would never refresh if the job ended between them."""
    send(page, MARCH)
    with CaptureQueriesContext(connection) as queries:
        page.get(LIST + where.format(newest().pk))
    jobs = [query["sql"] for query in queries if 'FROM "jobs_job"' in query["sql"]]
    assert not jobs


def test_the_list_can_be_searched_and_filtered(page: Client) -> None:
    press(page, checked(page, MARCH, name="march.csv"))
    checked(page, OFFICE, name="office.csv")
    found = page.get(LIST).content.decode().replace("\xa0", " ")
    for fact in ("march.csv", "1,001.63", "03.2021", "Imported", "importer"):
        assert fact in found, fact
    owner = User.objects.get(username="importer").pk
    for query in ("q=march", "state__exact=imported", f"owner__id__exact={owner}&q=march"):
        found = page.get(f"{LIST}?{query}").content.decode()
        assert "march.csv" in found, query
        assert "office.csv" not in found, query


@pytest.mark.parametrize("files", [0, 2])
def test_uploading_no_file_or_two_is_refused(page: Client, files: int) -> None:
    sent = {"file": [SimpleUploadedFile("a.csv", b"x") for _ in range(files)]}
    response = page.post(ADD, sent, headers={"Accept": "application/json"})
    assert response.json() == {"location": ADD}
    assert "Choose one file." in page.get(ADD).content.decode()
    assert not SpendImport.objects.exists()


def test_a_file_that_is_too_large_is_not_stored(page: Client, settings: Any, folder: Path) -> None:
    settings.UPLOAD_MAX_BYTES = 10
    assert "larger than" in send(page, MARCH, follow=True).content.decode()
    assert not SpendImport.objects.exists()
    assert not [path for path in folder.rglob("*") if path.is_file()]


def test_only_files_that_were_not_imported_can_be_deleted(
    page: Client, folder: Path, django_capture_on_commit_callbacks: Any
) -> None:
    imported = press(page, checked(page, MARCH))
    assert page.post(f"{LIST}{imported.pk}/delete/", {"post": "yes"}).status_code == 403
    other = checked(page, OFFICE)
    assert "Delete" in text(page, other)
    assert page.get(f"{LIST}{other.pk}/delete/").status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        page.post(f"{LIST}{other.pk}/delete/", {"post": "yes"})
    assert list(SpendImport.objects.all()) == [imported]
    assert [path for path in folder.rglob("*") if path.is_file()] == [Path(imported.file.path)]


def test_users_with_view_permission_only_can_change_nothing(
    page: Client, someone: Callable[..., Client]
) -> None:
    row = checked(page, OFFICE)
    viewer = someone("view_spendimport")
    assert viewer.get(LIST).status_code == 200
    found = text(viewer, row)
    for action in ("import", "check", "cancel", "delete"):
        assert f"{LIST}{row.pk}/{action}/" not in found
        assert viewer.post(f"{LIST}{row.pk}/{action}/").status_code == 403
    assert send(viewer, MARCH).status_code == 403
    assert (SpendImport.objects.count(), Job.objects.count()) == (1, 1)


def test_users_without_permission_see_nothing(page: Client, someone: Callable[..., Client]) -> None:
    row = checked(page, OFFICE)
    for tail in ("", "add/", f"progress/?id={row.pk}", f"{row.pk}/change/"):
        assert someone(tail).get(LIST + tail).status_code == 403
        assert "/admin/login/" in Client().get(LIST + tail)["Location"]


def test_changing_views_require_post_and_a_csrf_token(page: Client) -> None:
    row = checked(page, MARCH)
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(User.objects.get(username="importer"))
    for action in ("import", "check", "cancel"):
        assert page.get(f"{LIST}{row.pk}/{action}/").status_code == 405
        assert careful.post(f"{LIST}{row.pk}/{action}/").status_code == 403
    assert send(careful, MARCH).status_code == 403
    assert Job.objects.count() == 1

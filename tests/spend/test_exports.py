"""Exports: content, formats, permissions."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from creativefilter.jobs import stage_runner
from creativefilter.jobs.models import Job
from creativefilter.sheets.write import Form
from creativefilter.spend.reports import export_jobs
from creativefilter.spend.reports.filters import Filters
from tests.spend.spent import IN_ALL, little_spend

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client: Client, analyst: User, tmp_path: Path) -> Client:
    little_spend(tmp_path)
    client.force_login(analyst)
    client.cookies["django_language"] = "en"
    return client


def content(response: Any) -> bytes:
    assert response.status_code == 200
    return b"".join(response.streaming_content)


def exported(page: Client, form: Form, query: str = "") -> bytes:
    return content(page.get(reverse("admin:spend_export", args=[form]) + query))


def rows_of(raw: bytes, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig")), delimiter=delimiter))


def test_a_csv_has_every_advertisement_with_its_exact_spend(page: Client) -> None:
    rows = rows_of(exported(page, Form.CSV))
    assert [row["Advertisement ID"] for row in rows] == ["100", "200", "300"]
    assert sum(Decimal(row["Spend, RUB"]) for row in rows) == Decimal(IN_ALL)
    first, second, third = rows
    assert (first["Segment number"], first["Reviewed"], first["Placements"]) == ("3", "yes", "2")
    assert first["Spend, RUB"] == "2000000.25"
    assert (second["Segment number"], second["Segment"]) == ("", "Not classified")
    assert third["Creative"] == "no creative here"


def test_names_that_look_like_formulas_are_exported_as_text(page: Client) -> None:
    for form, delimiter in ((Form.CSV, ","), (Form.EXCEL_CSV, ";")):
        [third] = rows_of(exported(page, form, "?to=2030-01&from=2022-01"), delimiter)
        assert third["Advertiser"] == '\'=HYPERLINK("http://x")'
    sheet = load_workbook(io.BytesIO(exported(page, Form.XLSX))).active
    cells = [cell for row in sheet.iter_rows(min_row=2) for cell in row]
    # Stored with the type text: no program evaluates it.
    assert '=HYPERLINK("http://x")' in [cell.value for cell in cells if cell.data_type == "s"]
    assert "f" not in {cell.data_type for cell in cells}


def test_csv_for_excel_has_a_bom_semicolons_and_decimal_commas(page: Client) -> None:
    raw = exported(page, Form.EXCEL_CSV)
    assert raw.startswith(b"\xef\xbb\xbf")
    assert rows_of(raw, ";")[0]["Spend, RUB"] == "2000000,25"
    assert not exported(page, Form.CSV).startswith(b"\xef\xbb\xbf")


def test_a_workbook_has_amounts_as_numbers(page: Client) -> None:
    sheet = load_workbook(io.BytesIO(exported(page, Form.XLSX))).active
    heading, *rows = sheet.iter_rows(values_only=True)
    place = heading.index("Spend, RUB")
    assert sum(row[place] for row in rows) == float(IN_ALL)


def test_exports_apply_the_filters(page: Client) -> None:
    rows = rows_of(exported(page, Form.CSV, "?segment=3"))
    assert [row["Advertisement ID"] for row in rows] == ["100"]


def test_a_chart_table_is_the_same_in_every_format(page: Client) -> None:
    def address(form: Form) -> str:
        return reverse("admin:spend_table", args=["totals-brand", form])

    rows = rows_of(content(page.get(address(Form.CSV))))
    assert [row["Brand"] for row in rows] == ["МАГНИТ КОСМЕТИК", "МАГНИТ", "not known"]
    sheet = load_workbook(io.BytesIO(content(page.get(address(Form.XLSX))))).active
    assert [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)] == [
        row["Brand"] for row in rows
    ]
    assert page.get(reverse("admin:spend_table", args=["totals-brand", "pdf"])).status_code == 404


def test_the_file_name_has_the_months(page: Client) -> None:
    page.cookies["django_language"] = "ru"
    response = page.get(reverse("admin:spend_export", args=["csv"]) + "?from=2021-03&to=2021-04")
    name = response["Content-Disposition"]
    assert name.startswith("attachment; filename*=UTF-8''")
    assert "2021-03%E2%80%932021-04.csv" in name


def test_a_long_list_is_written_by_a_job_for_its_owner_only(
    page: Client, analyst: User, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    monkeypatch.setattr(export_jobs, "AT_ONCE", 2)
    settings.DATA_DIR = tmp_path / "data"
    response = page.get(reverse("admin:spend_export", args=[Form.CSV]) + "?segment=-1&segment=3")
    job = Job.objects.get(kind="spend_export")
    waiting = reverse("admin:spend_exported", args=[job.pk])
    assert response["Location"] == waiting
    assert page.get(waiting, headers={"accept": "application/json"}).json()["final"] is False
    file = reverse("admin:spend_exported_file", args=[job.pk])
    assert page.get(file).status_code == 404

    assert stage_runner.run_stage(str(job.pk), job.stage, "worker") is None
    job.refresh_from_db()
    assert (job.state, job.progress) == (Job.State.DONE, 100)
    assert job.result["rows"] == 3
    assert file in page.get(waiting).content.decode()
    rows = rows_of(content(page.get(file)))
    assert sum(Decimal(row["Spend, RUB"]) for row in rows) == Decimal(IN_ALL)
    assert [path.suffix for path in (tmp_path / "data" / "exports").iterdir()] == [".csv"]

    other = Client()
    other.force_login(User.objects.create_superuser("other"))
    assert other.get(file).status_code == other.get(waiting).status_code == 404


def test_the_file_does_not_exist_before_the_job_is_saved(
    page: Client, analyst: User, settings: Any, tmp_path: Path
) -> None:
    settings.DATA_DIR = tmp_path / "data"
    job = export_jobs.start(Filters(), Form.XLSX, analyst)
    claimed = stage_runner.claim(str(job.pk), job.stage, "late")
    assert claimed
    export_jobs.run(claimed)
    assert not export_jobs.file_of(job).exists()

"""A long export from the button through broker and worker process to the file; cancelling one."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from creativefilter.jobs.models import Job
from creativefilter.sheets.write import Form
from creativefilter.spend.imports import importer
from creativefilter.spend.reports import export_jobs, figures
from creativefilter.spend.reports.filters import Filters
from tests.spend.spend_files import table

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stack]
# Writing a workbook of so many rows takes some seconds, so that the job is seen running.
ROWS = 12_000


@pytest.fixture
def page(client: Client, analyst: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    rows = (f"{n},A{n % 7},B,{'TV' if n % 3 else 'Radio'},{n}.125,2021,3" for n in range(ROWS))
    importer.import_file(table(tmp_path, *rows))
    monkeypatch.setattr(export_jobs, "AT_ONCE", 100)
    client.force_login(analyst)
    client.cookies["django_language"] = "en"
    return client


def press(page: Client, form: Form, query: str = "") -> Job:
    response = page.get(reverse("admin:spend_export", args=[form]) + query)
    job = Job.objects.latest("created_at")
    assert response["Location"] == reverse("admin:spend_exported", args=[job.pk])
    return job


def state(page: Client, job: Job) -> dict[str, Any]:
    address = reverse("admin:spend_exported", args=[job.pk])
    found: dict[str, Any] = page.get(address, headers={"accept": "application/json"}).json()
    return found


def test_an_export_is_written_by_a_worker_or_cancelled(
    page: Client, worker: Any, eventually: Callable[..., None]
) -> None:
    waiting = press(page, Form.CSV, "?media=TV")
    page.post(reverse("admin:spend_exported_cancel", args=[waiting.pk]))
    job = press(page, Form.CSV, "?media=TV")
    worker()
    eventually(lambda: state(page, job)["final"])
    file = page.get(reverse("admin:spend_exported_file", args=[job.pk]))
    text = b"".join(file.streaming_content).decode()  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(text)))
    overview = figures.overview(Filters(media_types=("TV",)))
    assert len(rows) == overview.advertisements == ROWS * 2 // 3
    assert sum(Decimal(row["Spend, RUB"]) for row in rows) == overview.amount > 0
    job.refresh_from_db()
    assert (job.worker, job.result and job.result["rows"]) == ("test@suite", len(rows))

    running = press(page, Form.XLSX)
    eventually(lambda: state(page, running)["percent"])
    page.post(reverse("admin:spend_exported_cancel", args=[running.pk]))
    folder = export_jobs.file_of(running).parent
    assert any(running.pk.hex in path.name.replace("-", "") for path in folder.iterdir())
    # The worker notices the cancellation and removes its partial file.
    eventually(lambda: [path.name for path in folder.iterdir()] == [f"{job.pk}.csv"])
    for cancelled in (waiting, running):
        cancelled.refresh_from_db()
        assert cancelled.state == Job.State.CANCELLED
        shown = page.get(reverse("admin:spend_exported", args=[cancelled.pk])).content.decode()
        assert "Cancelled" in shown
        assert (
            page.get(reverse("admin:spend_exported_file", args=[cancelled.pk])).status_code == 404
        )

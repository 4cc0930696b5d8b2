"""A table from a client of the reference service, classified by a real broker and worker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from creativefilter.creatives import model_versions
from creativefilter.creatives.models import Prediction
from creativefilter.jobs import recovery
from creativefilter.jobs.models import Job
from tasks.publishing import publish_all
from tests.tables.table_files import bytes_of, received, rows_of, stored, workbook

pytestmark = [pytest.mark.django_db(transaction=True)]
SPOKEN = "оформите кредитную карту, льготный период по кредитной карте, кэшбэк"

# A program as users of the reference service write it: no login, upload a file, store the answer.
CLIENT = """
import sys
import requests
address, source, target = sys.argv[1:]
with open(source, "rb") as file:
    response = requests.post(address + "/predict_table", files={"file": file}, timeout=60)
response.raise_for_status()
with open(target, "wb") as file:
    file.write(response.content)
print(response.headers["Content-Type"])
"""


def test_a_client_of_the_reference_service_gets_its_workbook(
    worker: Any, live_server: Any, settings: Any, tmp_path: Path, eventually: Any
) -> None:
    settings.MEDIA_ROOT = Path(settings.DATA_DIR) / "media"
    settings.PREDICT_ANONYMOUS = True
    settings.PREDICT_WAIT_SECONDS = 30
    model_versions.ensure_starter()
    stored("1", 12)
    source, target = tmp_path / "план.xlsx", tmp_path / "answer.xlsx"
    source.write_bytes(workbook([["Advertisement ID", "x"], [1, "a"], [None, "b"], [404, "c"]]))
    worker()
    client = subprocess.run(
        [sys.executable, "-c", CLIENT, live_server.url, str(source), str(target)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert client.stdout.strip().endswith("spreadsheetml.sheet")
    assert rows_of(target.read_bytes())[1:] == [
        (1, "a", 12, "Кредитные карты", 0.9, "no", "ok"),
        (None, "b", None, None, None, None, "blank"),
        (404, "c", None, None, None, None, "unknown"),
    ]

    # A creative without a prediction: the table waits until the creative's job has ended.
    fresh = stored("2", speech=SPOKEN)
    table = received(b"Advertisement ID,n\n2,x\n")
    assert table.job

    def table_is_done() -> bool:
        publish_all(recovery.sweep())
        return Job.objects.get(pk=table.job_id).is_final

    eventually(table_is_done, 60)
    table.refresh_from_db()
    assert Prediction.objects.filter(creative=fresh).count() == 1
    assert table.counts["classified"] == 1
    assert Job.objects.filter(kind="analyse", state=Job.State.DONE).count() == 1
    assert b",ok" in bytes_of(table)

"""The API answers like the examples of the schema; ``make examples`` records them again."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from creativefilter.accounts.roles import Role
from creativefilter.api.core.recordings import JSON, recorded
from creativefilter.api.core.schema import EnglishGenerator
from creativefilter.creatives.analysis.rule_in_force import rule_in_force
from creativefilter.creatives.models import (
    Creative,
    MediaVersion,
    ModelVersion,
    Prediction,
)
from creativefilter.jobs import lifecycle
from creativefilter.jobs.models import Job
from creativefilter.spend.reports import export_jobs
from creativefilter.spend.totals import segment_changes
from creativefilter.webhooks import delivering
from tests.api.recording import ROOT, example
from tests.api.roles_of import client_of
from tests.api.rows import creative
from tests.creatives.analysing import run
from tests.spend.spend_files import text_of
from tests.spend.spent import little_spend

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folders")]
V1 = "/api/v1"
MIB = 1024**2
TOO_LARGE = b"x" * (MIB + 1)
CONTENT = b"the bytes of a creative"
EVIDENCE = {"text": "Кредит", "start": 0, "end": 6, "weight": 0.41}


@pytest.fixture
def known() -> Creative:
    """A creative with a prediction of the active model and all fields of responses."""
    row = creative(4297908, 12, advertiser="БАНК", brand="БАНК", media_type="TV Nat")
    digest = hashlib.sha256(CONTENT).hexdigest()
    MediaVersion.objects.update(sha256=digest, size=len(CONTENT), container="mp4")
    speech = {"name": "speech", "probabilities": {"12": 0.97}, "evidence": [EVIDENCE]}
    shares = {"12": 0.94, "13": 0.06}
    Prediction.objects.update(
        former_channels=[speech],
        former_probabilities=shares,
        probability=0.94,
        decision="auto",
        threshold=0.873,
        parameters=rule_in_force().row(),
    )
    return row


def file(name: str = "4297908.mp4", content: bytes = CONTENT) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def run_jobs_while_waiting(monkeypatch: pytest.MonkeyPatch, resource: str) -> None:
    """Run jobs within the requests that wait for them.

    Args:
        monkeypatch: Undoes this after the test.
        resource: The folder of the view.
    """

    def work(job: Job, seconds: float) -> bool:
        run(job)
        job.refresh_from_db()
        return True

    monkeypatch.setattr(f"creativefilter.api.{resource}.views.wait_for", work)


def test_predict(api: APIClient, known: Creative) -> None:
    address = f"{V1}/predict"
    example("predict", api.post(address, {"file": file()}))
    example("predict", api.post(address, {"file": file("4297909.flv", b"others")}))


def test_reference_predict(
    api: APIClient, known: Creative, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PREDICT_WAIT_SECONDS = 1
    example("reference_predict", api.post("/predict/", {"file": file()}))
    example("reference_predict", api.post("/predict/", {"file": file("1.flv", b"others")}))
    run_jobs_while_waiting(monkeypatch, "predict")
    example("reference_predict", api.post("/predict/", {"file": file("2.wav", b"no sound")}))


def test_jobs(api: APIClient) -> None:
    url = api.post(f"{V1}/predict", {"file": file("4297909.flv")})["Location"]
    example("jobs", api.get(f"{V1}/jobs"))
    example("job", api.get(url))
    example("job_cancel", api.post(f"{url}/cancel"))
    example("job_retry", api.post(f"{url}/retry"))


def test_creatives(api: APIClient, known: Creative, settings: Any) -> None:
    address = f"{V1}/creatives"
    example("creatives", api.get(address))
    change = {"advertisement_id": "4297908", "label": {"segment_num": 12, "note": "a credit card"}}
    example("creative_change", api.patch(f"{address}/{known.pk}", change, format="json"))
    example("creative", api.get(f"{address}/{known.pk}"))
    example("creative_labels", api.get(f"{address}/{known.pk}/labels"))
    example("creative_predictions", api.get(f"{address}/{known.pk}/predictions"))
    settings.UPLOAD_MAX_BYTES = MIB
    files = [file("4297909.mp4", b"others"), file("film.mp4", TOO_LARGE)]
    sent = api.post(address, {"file": files})
    example("creatives_upload", sent)
    lifecycle.cancel(Job.objects.get())
    example("creative_analyse", api.post(f"{sent.json()['results'][0]['url']}/analyse"))
    failed = {"error_codes": ["storage_away", "timed_out"]}
    for body in ({**failed, "dry_run": True}, failed):
        response = api.post(f"{address}/retry_failed", body, format="json")
        example("creatives_retry_failed", response)


def test_predictions(api: APIClient, known: Creative) -> None:
    example("predictions", api.get(f"{V1}/predictions"))
    example("prediction", api.get(f"{V1}/predictions/{Prediction.objects.get().pk}"))


def test_labels(api: APIClient, known: Creative) -> None:
    body = {"advertisement_id": "4297908", "segment_num": 13, "note": "it is about a loan"}
    made = api.post(f"{V1}/labels", body, format="json")
    example("label_create", made)
    example("label", api.get(made["Location"]))
    example("labels", api.get(f"{V1}/labels"))
    batches = f"{V1}/labels/batches"
    selection = {"segment_num": 12, "filter": {"brand": ["БАНК"], "state": ["done"]}}
    example("label_batch_create", api.post(batches, {**selection, "dry_run": True}, format="json"))
    body = {**selection, "expected": 1, "note": "all of this brand are cards"}
    batch = api.post(batches, body, format="json")
    example("label_batch_create", batch)
    example("label_batch", api.get(batch["Location"]))
    example("label_batches", api.get(batches))
    example("label_batch_undo", api.post(f"{batch['Location']}/undo"))


def test_segments(api: APIClient) -> None:
    example("segments", api.get(f"{V1}/segments"))
    example("segment", api.get(f"{V1}/segments/12"))


def test_model_versions(known: Creative) -> None:
    lead = client_of(Role.LEAD)
    address = f"{V1}/model_versions"
    example("model_version_active", lead.get(f"{address}/active"))
    other = ModelVersion.objects.create(name="bundle 1a2b3c4d", digest="other", folder="elsewhere")
    example("model_versions", lead.get(address))
    example("model_version", lead.get(f"{address}/{other.pk}"))
    example("model_version_activate", lead.post(f"{address}/{other.pk}/activate"))


def test_spend_imports(api: APIClient) -> None:
    rows = ("100,БАНК,ВКЛАД,TV,1200500.5,2026,9", "100,БАНК,ВКЛАД,TV,дорого,2026,10")
    table = file("spend-2026.csv", text_of(*rows).encode())
    address = f"{V1}/spend/imports"
    sent = api.post(address, {"file": table, "dry_run": "true"})
    example("spend_import_create", sent)
    run(Job.objects.get())
    example("spend_import", api.get(sent["Location"]))
    example("spend_import_bad_rows", api.get(f"{sent['Location']}/bad-rows.csv"))
    start = {"mode": "add", "strict": False}
    again = api.post(f"{sent['Location']}/start", start, format="json")
    example("spend_import_start", again)
    example("spend_import_cancel", api.post(f"{sent['Location']}/cancel"))
    example("spend_imports", api.get(address))


@pytest.fixture
def spend(tmp_path: Path) -> None:
    row = little_spend(tmp_path)["200"]
    row.current_media = MediaVersion.objects.create(
        creative=row, original_name="200.mp4", sha256="2", size=1
    )
    row.save()
    version = ModelVersion.objects.get(is_active=True)
    Prediction.objects.create(
        creative=row, media=row.current_media, model_version=version, segment_id=5,
        probability=0.6, probabilities={"5": 0.6, "3": 0.4},
    )  # fmt: skip
    segment_changes.catch_up()


def test_spend_reports(api: APIClient, spend: None, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"{V1}/spend/report"
    example("spend_report", api.get(f"{address}?by=segment"))
    example("spend_report_monthly", api.get(f"{address}/monthly?by=media_type"))
    example("spend_creatives", api.get(f"{V1}/spend/creatives"))
    example("spend_report_expected", api.get(f"{address}/expected"))
    # With this limit the report is computed by a job.
    monkeypatch.setattr("creativefilter.spend.reports.expected_spend_jobs.AT_ONCE", 0)
    example("spend_report_expected", api.get(f"{address}/expected?from=2021-01"))


def test_exports(api: APIClient, spend: None, settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    filters = {"from": "2021-01", "to": "2021-12", "segment": ["3", "none"]}
    body = {"kind": "creatives", "format": "csv", "filters": filters}
    sent = api.post(f"{V1}/exports", body, format="json")
    example("export_create", sent)
    run(Job.objects.get(kind="spend_export"))
    example("export", api.get(sent["Location"]))
    example("exports", api.get(f"{V1}/exports"))
    export_jobs.file_of(Job.objects.get(kind="spend_export")).unlink()
    example("problem", api.get(f"{sent['Location']}/download"), folder="core")


def test_tables(
    api: APIClient, known: Creative, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PREDICT_WAIT_SECONDS = 1
    address = f"{V1}/predict_table"
    content = b"Advertisement ID;Comment\n4297908;spring\n77;who is it\n"
    sent = api.post(address, {"file": file("plan.csv", content)})
    example("predict_table", sent)
    example("table_cancel", api.post(f"{sent['Location']}/cancel"))
    late = api.post("/predict_table/", {"file": file("plan.csv", content)})
    example("reference_predict_table", late)
    run_jobs_while_waiting(monkeypatch, "tables")
    done = api.post(f"{address}?wait=30", {"file": file("plan.csv", content)})
    example("predict_table", done)
    example("table", api.get(done["Location"]))
    example("tables", api.get(address))


def test_tokens(api: APIClient) -> None:
    made = api.post(f"{V1}/tokens", {"name": "media plan", "days": 30}, format="json")
    example("token_create", made)
    example("token", api.get(made["Location"]))
    example("tokens", api.get(f"{V1}/tokens"))


def test_webhooks(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"{V1}/webhooks"
    body = {
        "url": "https://hooks.example.com/creatives",
        "events": ["job.done", "job.failed"],
        "description": "tells the media plan",
    }
    made = api.post(address, body, format="json")
    url = made["Location"]
    example("webhook_create", made)
    example("webhook", api.get(url))
    example("webhooks", api.get(address))
    sent = api.post(f"{url}/test")
    example("webhook_test", sent)
    answer = delivering.Outcome(503, answer="later, please")
    monkeypatch.setattr(delivering, "post", lambda *_: answer)
    delivering.deliver(url.rsplit("/", 1)[1])
    example("webhook_deliveries", api.get(f"{url}/deliveries"))
    example("webhook_delivery", api.get(sent["Location"]))
    example("webhook_redeliver", api.post(f"{sent['Location']}/redeliver"))
    example("webhook_rotate_secret", api.post(f"{url}/rotate_secret"))
    example("webhook_update", api.patch(url, {"active": False}, format="json"))


def test_problems(
    api: APIClient, anonymous: APIClient, stranger: APIClient, settings: Any, known: Creative
) -> None:
    labels = f"{V1}/labels"
    body = {"creative": known.pk, "segment_num": 12}
    key = {"Idempotency-Key": "7c9e6679"}
    first = api.post(labels, body, format="json", headers=key)
    assert first.status_code == 201
    old_state = {"If-Match": '"0123456789abcdef01234567.01234567"'}
    responses = [
        api.post(labels, {**body, "segment_num": 19}, format="json"),
        anonymous.get(labels),
        stranger.get(labels),
        api.get(f"{labels}/999999"),
        api.get(labels, headers={"Accept": "text/html"}),
        api.patch(f"{V1}/creatives/{known.pk}", {}, format="json", headers=old_state),
        api.post(labels, {}, format="multipart"),
        api.post(labels, {**body, "segment_num": 13}, format="json", headers=key),
    ]
    job = f"{V1}/jobs/{api.post(f'{V1}/predict', {'file': file('1.wav', b'other')}).json()['id']}"
    api.post(f"{job}/cancel")
    responses.append(api.post(f"{job}/cancel"))
    settings.UPLOAD_MAX_BYTES, settings.OPEN_JOBS_PER_USER = MIB, 0
    responses.append(api.post(f"{V1}/predict", {"file": file("film.mp4", TOO_LARGE)}))
    responses.append(api.post(f"{V1}/predict", {"file": file("2.wav", b"another")}))
    for response in responses:
        example("problem", response, folder="core")


def test_every_answer_has_an_example_and_no_example_is_left_over() -> None:
    made = EnglishGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    operations = {
        operation["operationId"]: operation
        for methods in made["paths"].values()
        for operation in methods.values()
    }
    answers = {
        f"{name} {status}": answer["content"][JSON]
        for name, operation in operations.items()
        for status, answer in operation["responses"].items()
        if status[0] == "2" and JSON in answer.get("content", {})
    }
    missing = [name for name, answer in answers.items() if "examples" not in answer]
    # Answers if too many requests are waiting for their jobs.
    assert missing == ["reference_predict 202", "reference_predict_table 202"]
    recorded_operations = {
        operation
        for path in (ROOT / "creativefilter/api").glob("*/examples.json")
        for operation in recorded(f"creativefilter.api.{path.parent.name}")
    }
    assert recorded_operations - {"problem"} <= set(operations)

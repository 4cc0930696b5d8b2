"""Jobs that bring totals and intervals up to date, and the notices on pages that wait for them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Sum
from django.test import Client
from django.utils import timezone

from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import Creative, Label, Segment
from creativefilter.jobs import lifecycle, stage_runner
from creativefilter.jobs.models import Job
from creativefilter.spend.imports import importer
from creativefilter.spend.models import SpendTotal, Watermark
from creativefilter.spend.reports import expected_spend, expected_spend_jobs
from creativefilter.spend.reports.filters import Filters
from creativefilter.spend.totals import checks, recount_jobs, segment_changes, spend_totals
from tests.creatives.analysing import run
from tests.spend import reference_spend
from tests.spend.spend_files import table
from tests.spend.test_uncertainty import probabilities_of

pytestmark = pytest.mark.django_db
CHARTS = "/admin/spend/advertisement/charts/"
COUNT = 7


@pytest.fixture
def page(client: Client, analyst: User) -> Client:
    client.force_login(analyst)
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def creatives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Creative]:
    """Creatives without a segment. The spend of each is a power of two."""
    rows = [Creative.objects.create(advertisement_id=str(n), name=str(n)) for n in range(COUNT)]
    importer.import_file(table(tmp_path, *(f"{n},A,B,TV,{2**n},2021,3" for n in range(COUNT))))
    segment_changes.catch_up()
    monkeypatch.setattr(recount_jobs, "AT_ONCE", 2)
    monkeypatch.setattr(segment_changes, "PART", 2)
    return rows


def label(creatives: list[Creative], segment: int = 3) -> None:
    for creative in creatives:
        set_label(creative, Segment.objects.get(pk=segment), None)


def counted() -> dict[int, Decimal]:
    rows = SpendTotal.objects.order_by().values_list("segment").annotate(Sum("amount"))
    return dict(rows)


def open_job() -> Job:
    return Job.objects.get(state=Job.State.QUEUED)


def texts(page: Client, query: str = "") -> list[str]:
    return [one["text"] for one in page.get(f"{CHARTS}?{query}").context["working"]]


def test_few_changes_are_counted_within_the_request(
    page: Client, creatives: list[Creative]
) -> None:
    label(creatives[:2])
    assert texts(page) == []
    assert counted() == {3: 3, -1: 124}
    assert not Job.objects.exists()


def test_many_changes_are_counted_by_one_job_and_the_page_shows_a_notice(
    page: Client, creatives: list[Creative], django_capture_on_commit_callbacks: Any
) -> None:
    label(creatives[:5])
    with django_capture_on_commit_callbacks() as queued:
        [text] = texts(page)
    assert "being updated" in text
    assert counted() == {-1: 127}
    with django_capture_on_commit_callbacks() as queued_again:
        assert len(texts(page)) == 1
    assert (len(queued), len(queued_again)) == (1, 0)
    job = open_job()
    address = page.get(CHARTS).context["working"][0]["source"]
    assert page.get(address).json() == {"final": False, "percent": 0}
    run(job)
    job.refresh_from_db()
    assert job.result == {"moved": 5}
    assert page.get(address).json() == {"final": True, "percent": 100}
    assert counted() == {3: 31, -1: 96}
    assert checks.check().agrees
    assert texts(page) == []


def test_totals_add_up_at_any_moment_of_the_job(creatives: list[Creative]) -> None:
    label(creatives)
    parts = []
    for moved, share in segment_changes.catch_up_in_parts(segment_changes.pending_changes()):
        assert sum(counted().values()) == 127
        assert not checks.check().differences
        parts.append((moved, share))
    assert [moved for moved, _share in parts] == [2, 2, 2, 1]
    assert parts[-1][1] == 1
    assert counted() == {3: 127}


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
def test_a_creative_deleted_during_a_recount_is_recounted_by_the_next(
    creatives: list[Creative], monkeypatch: pytest.MonkeyPatch
) -> None:
    label(creatives)
    segment_changes.catch_up()
    label(creatives[:1], segment=5)
    add = spend_totals.add

    def add_meanwhile(changes: str) -> None:
        with ThreadPoolExecutor(1) as other:
            other.submit(_delete, creatives[1]).result()
        add(changes)

    monkeypatch.setattr(spend_totals, "add", add_meanwhile)
    segment_changes.refresh(Creative.objects.all())
    monkeypatch.undo()
    assert counted() == {5: Decimal(1), 3: Decimal(2**COUNT - 2)}
    segment_changes.catch_up()
    assert counted() == {5: Decimal(1), 3: Decimal(2**COUNT - 4), -1: Decimal(2)}


def _delete(creative: Creative) -> None:
    try:
        creative.delete()
    finally:
        connection.close()


def test_the_job_fills_in_the_names_of_creatives_created_in_bulk(tmp_path: Path) -> None:
    importer.import_file(table(tmp_path, *(f"{n},A,B,TV,1,2021,3" for n in range(COUNT))))
    Creative.objects.bulk_create(Creative(advertisement_id=str(n), name="x") for n in range(COUNT))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recount_jobs, "AT_ONCE", 2)
        job = recount_jobs.keep_up()
        assert job
        run(job)
        assert recount_jobs.keep_up() is None
    assert set(Creative.objects.values_list("brand", flat=True)) == {"B"}
    assert checks.check().agrees


def test_a_worker_stops_when_its_job_is_cancelled(creatives: list[Creative]) -> None:
    label(creatives)
    job = recount_jobs.keep_up()
    assert job
    late = stage_runner.claim(str(job.pk), job.stage, "late")
    assert late
    assert lifecycle.cancel(late)
    with pytest.raises(recount_jobs.JobError):
        recount_jobs.run(late)
    # The part that was counted is right, and the rest is still pending.
    assert checks.check().differences == []
    assert counted() == {3: 3, -1: 124}
    assert recount_jobs.keep_up()


def test_a_failed_job_is_reported_and_not_started_again_by_every_request(
    page: Client, creatives: list[Creative]
) -> None:
    label(creatives)
    assert texts(page)
    job = stage_runner.claim(str(open_job().pk), "counting", "worker")
    assert job
    assert lifecycle.fail(job, "internal")
    [text] = texts(page)
    assert "could not be updated" in text
    assert Job.objects.count() == 1


@pytest.fixture
def predicted(creatives: list[Creative], monkeypatch: pytest.MonkeyPatch) -> list[Creative]:
    """The creatives, of which the first two are predicted.

    Intervals of more than one predicted creative are computed by a job.
    """
    monkeypatch.setattr(recount_jobs, "AT_ONCE", 1_000)
    monkeypatch.setattr(expected_spend_jobs, "AT_ONCE", 1)
    reference_spend.predict(creatives[:2], probabilities_of((0.6, 0.4), (0.9, 0.1)))
    return creatives


def test_slow_intervals_are_computed_by_a_job_and_cached(
    page: Client, predicted: list[Creative]
) -> None:
    response = page.get(f"{CHARTS}?tab=certainty")
    [notice] = response.context["working"]
    assert notice["reload"]
    assert response.context["charts"] == []
    assert "worth" not in response.context
    run(open_job())

    response = page.get(f"{CHARTS}?tab=certainty")
    assert response.context["working"] == []
    assert [row["title"] for row in response.context["worth"]["rows"]] == ["1", "0"]
    study, job = expected_spend_jobs.get_or_queue(Filters())
    assert (job, study and study.estimate) == (None, expected_spend.study(Filters())[0])
    assert study
    assert study.worth == expected_spend.study(Filters())[1]
    assert Job.objects.count() == 1


def test_cached_intervals_are_shown_until_newer_ones_are_computed(
    page: Client, predicted: list[Creative]
) -> None:
    page.get(f"{CHARTS}?tab=certainty")
    run(open_job())
    before = expected_spend.study(Filters())[0]
    reference_spend.predict_current_media(predicted[:2], probabilities_of((0.5, 0.5), (0.8, 0.2)))
    response = page.get(f"{CHARTS}?tab=certainty")
    [notice] = response.context["working"]
    assert "newer ones are being computed" in notice["text"]
    assert not notice["reload"]
    assert response.context["worth"]["rows"]
    assert expected_spend_jobs.latest(Filters()) == before
    run(open_job())
    assert texts(page, "tab=certainty") == []
    after = expected_spend_jobs.latest(Filters())
    assert after == expected_spend.study(Filters())[0] != before


def test_each_set_of_filters_has_its_own_intervals(predicted: list[Creative]) -> None:
    segment_changes.catch_up()
    for filters in (Filters(), Filters(media_types=("TV",))):
        study, job = expected_spend_jobs.get_or_queue(filters)
        assert study is None
        assert job
        assert job.state == Job.State.QUEUED
    assert Job.objects.count() == 2
    # After a label only one predicted creative is left: its intervals are computed at once.
    label(predicted[:1])
    segment_changes.catch_up()
    study, job = expected_spend_jobs.get_or_queue(Filters())
    assert study
    assert (job, study.worth.predicted) == (None, 1)


def test_the_watermark_passes_only_rows_older_than_any_open_transaction(
    creatives: list[Creative],
) -> None:
    label(creatives[:1])
    [written] = Label.objects.all()
    mark, now = Watermark(pk=1, looked_at=timezone.now()), timezone.now()
    assert segment_changes._next_watermark(mark, now).label == 0
    later = now + segment_changes.OVERLAP + timedelta(seconds=1)
    assert segment_changes._next_watermark(mark, later).label == written.pk

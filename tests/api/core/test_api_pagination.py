"""Cursor pagination: every row once and in order, also with many equal values."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from creativefilter.jobs.models import Job

pytestmark = pytest.mark.django_db
JOBS = "/api/v1/jobs"


@pytest.fixture
def jobs(analyst: User) -> list[Job]:
    """Ten jobs of two kinds with equal creation times; three have no ``finished_at``."""
    now = timezone.now()
    rows = Job.objects.bulk_create(
        Job(
            kind="echo" if number % 3 else "walk",
            stage="one",
            owner=analyst,
            state=Job.State.FAILED,
            finished_at=now + timedelta(seconds=number // 2) if number % 4 else None,
        )
        for number in range(10)
    )
    Job.objects.update(created_at=now)  # equal, as for rows of one transaction
    return list(rows)


def walk(api: Any, address: str, direction: str = "next") -> list[list[str]]:
    """Follow the links and return the IDs on each page."""
    pages = []
    link: str | None = address
    while link:
        page = api.get(link).json()
        pages.append([row["id"] for row in page["results"]])
        link = page[direction]
    return pages


@pytest.mark.parametrize("order", ["created_at", "-kind", "finished_at", "-finished_at"])
def test_every_row_is_on_one_page_and_in_order(api: Any, jobs: list[Job], order: str) -> None:
    [whole] = walk(api, f"{JOBS}?ordering={order}")
    assert sorted(whole) == sorted(str(job.pk) for job in jobs)
    pages = walk(api, f"{JOBS}?ordering={order}&page_size=3")
    assert [len(page) for page in pages] == [3, 3, 3, 1]
    assert [pk for page in pages for pk in page] == whole


def test_previous_links_lead_back_through_the_same_pages(api: Any, jobs: list[Job]) -> None:
    address = f"{JOBS}?ordering=-finished_at&page_size=3"
    forward = walk(api, address)
    link, last = address, ""
    while link:
        last, link = link, api.get(link).json()["next"]
    assert walk(api, last, "previous") == forward[::-1]


def test_new_rows_do_not_shift_the_next_page(api: Any, jobs: list[Job], analyst: User) -> None:
    first = api.get(f"{JOBS}?page_size=5").json()
    Job.objects.create(kind="echo", stage="one", owner=analyst)
    second = api.get(first["next"]).json()
    found = {row["id"] for row in first["results"] + second["results"]}
    assert found == {str(job.pk) for job in jobs}


@pytest.mark.parametrize(
    "query",
    [
        "cursor=x", "cursor=%00", "cursor=bnVsbA==", "cursor=" + "9" * 3000, "page_size=0",
        "page_size=501", "page_size=x", "page_size=%D9%A3", "ordering=owner", "state=odd",
        "created_from=yesterday", "kind=%00",
    ],
)  # fmt: skip
def test_invalid_parameters_are_refused(api: Any, jobs: list[Job], query: str) -> None:
    response = api.get(f"{JOBS}?{query}")
    assert response.status_code == 400
    assert list(response.json()["errors"]) == [query.partition("=")[0]]


def test_a_cursor_is_valid_for_its_ordering_only(api: Any, jobs: list[Job]) -> None:
    link = api.get(f"{JOBS}?page_size=2&ordering=kind").json()["next"]
    other = link.replace("ordering=kind", "ordering=-kind")
    assert api.get(other).status_code == 400


def test_a_page_takes_few_queries(
    api: Any, jobs: list[Job], django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(6):
        api.get(f"{JOBS}?page_size=10")


def test_a_cursor_with_an_extreme_utc_offset_is_accepted(api: Any, jobs: list[Job]) -> None:
    onward = parse_qs(urlsplit(api.get(f"{JOBS}?page_size=3").json()["next"]).query)["cursor"][0]
    names, backwards, values = json.loads(base64.urlsafe_b64decode(onward))
    values[0] = "9000-01-01T00:00:00+23:00"  # PostgreSQL refuses such an offset
    cursor = base64.urlsafe_b64encode(json.dumps([names, backwards, values]).encode()).decode()
    assert len(api.get(JOBS, {"cursor": cursor}).json()["results"]) == 10
    values[0] = "2026-01-01T00:00:00"  # without an offset
    cursor = base64.urlsafe_b64encode(json.dumps([names, backwards, values]).encode()).decode()
    assert api.get(JOBS, {"cursor": cursor}).status_code == 400

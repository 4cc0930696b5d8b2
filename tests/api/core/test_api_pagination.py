"""Pages by cursor: every row once, in order, however many share a value."""

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
    """Ten of them: few kinds, and some that have not ended."""
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
    Job.objects.update(created_at=now)  # as many rows of one transaction
    return list(rows)


def walk(api: Any, address: str, direction: str = "next") -> list[list[str]]:
    """The ids of page after page."""
    pages = []
    link: str | None = address
    while link:
        page = api.get(link).json()
        pages.append([row["id"] for row in page["results"]])
        link = page[direction]
    return pages


@pytest.mark.parametrize("order", ["created_at", "-kind", "finished_at", "-finished_at"])
def test_every_row_comes_once_and_in_order(api: Any, jobs: list[Job], order: str) -> None:
    [whole] = walk(api, f"{JOBS}?ordering={order}")
    assert sorted(whole) == sorted(str(job.pk) for job in jobs)
    pages = walk(api, f"{JOBS}?ordering={order}&page_size=3")
    assert [len(page) for page in pages] == [3, 3, 3, 1]
    assert [pk for page in pages for pk in page] == whole


def test_the_way_back_is_the_way_there(api: Any, jobs: list[Job]) -> None:
    address = f"{JOBS}?ordering=-finished_at&page_size=3"
    there = walk(api, address)
    link, last = address, ""
    while link:
        last, link = link, api.get(link).json()["next"]
    assert walk(api, last, "previous") == there[::-1]


def test_rows_that_come_in_between_do_not_move_the_rest(
    api: Any, jobs: list[Job], analyst: User
) -> None:
    first = api.get(f"{JOBS}?page_size=5").json()
    Job.objects.create(kind="echo", stage="one", owner=analyst)
    second = api.get(first["next"]).json()
    seen = {row["id"] for row in first["results"] + second["results"]}
    assert seen == {str(job.pk) for job in jobs}


@pytest.mark.parametrize(
    "query",
    [
        "cursor=x", "cursor=%00", "cursor=bnVsbA==", "cursor=" + "9" * 3000, "page_size=0",
        "page_size=501", "page_size=x", "page_size=%D9%A3", "ordering=owner", "state=odd",
        "created_from=yesterday", "kind=%00",
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(api: Any, jobs: list[Job], query: str) -> None:
    response = api.get(f"{JOBS}?{query}")
    assert response.status_code == 400
    assert list(response.json()["errors"]) == [query.partition("=")[0]]


def test_a_cursor_belongs_to_its_order(api: Any, jobs: list[Job]) -> None:
    link = api.get(f"{JOBS}?page_size=2&ordering=kind").json()["next"]
    other = link.replace("ordering=kind", "ordering=-kind")
    assert api.get(other).status_code == 400


def test_a_page_asks_the_database_a_few_times(
    api: Any, jobs: list[Job], django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(6):
        api.get(f"{JOBS}?page_size=10")


def test_a_cursor_from_a_far_time_zone_is_a_moment_as_any(api: Any, jobs: list[Job]) -> None:
    onward = parse_qs(urlsplit(api.get(f"{JOBS}?page_size=3").json()["next"]).query)["cursor"][0]
    names, backwards, values = json.loads(base64.urlsafe_b64decode(onward))
    values[0] = "9000-01-01T00:00:00+23:00"  # PostgreSQL refuses such an offset
    cursor = base64.urlsafe_b64encode(json.dumps([names, backwards, values]).encode()).decode()
    assert len(api.get(JOBS, {"cursor": cursor}).json()["results"]) == 10
    values[0] = "2026-01-01T00:00:00"
    cursor = base64.urlsafe_b64encode(json.dumps([names, backwards, values]).encode()).decode()
    assert api.get(JOBS, {"cursor": cursor}).status_code == 400

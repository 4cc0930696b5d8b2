"""The spend report in a browser: filters, charts, the creatives behind a bar, export."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import Creative, Segment
from creativefilter.jobs import stage_runner
from creativefilter.jobs.models import Job
from creativefilter.spend.imports import importer
from creativefilter.spend.reports import expected_spend_jobs
from creativefilter.spend.totals import recount_jobs, segment_changes
from tests.spend import reference_spend
from tests.spend.spend_files import table
from tests.spend.test_uncertainty import probabilities_of

CHARTS = "/admin/spend/advertisement/charts/"


@pytest.fixture(scope="module", autouse=True)
def database_beside_the_browser() -> Iterator[None]:
    """Allow database access: Playwright leaves an event loop running in this thread."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture
def spent(transactional_db: None, tmp_path: Path) -> None:
    """Three brands of two advertisers; of each brand, one creative is stored and labelled."""
    segment = Segment.objects.get(pk=3)
    for number in ("100", "101", "102"):
        creative = Creative.objects.create(advertisement_id=number, name=f"{number}.mp4")
        set_label(creative, segment, None)
    rows = [
        f"{100 + n % 9},{'МАГНИТ' if n % 3 else 'ЯНДЕКС'},БРЕНД {n % 3},TV,{n}12345.678,2021,{m}"
        for n in range(9)
        for m in (1, 2, 3)
    ]
    importer.import_file(table(tmp_path, *rows))


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, spent: None) -> Iterator[Page]:
    """A Russian page of a logged-in administrator; the test fails on errors of the page."""
    context = browser.new_context(locale="ru-RU", viewport={"width": 1280, "height": 900})
    context.set_default_timeout(20_000)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("response", lambda r: r.status >= 400 and wrong.append(f"{r.status} {r.url}"))
    page.on(
        "request",
        lambda r: (
            r.url.startswith(("http", "ws"))
            and not r.url.startswith(live_server.url)
            and wrong.append(r.url)
        ),
    )
    User.objects.create_superuser("analyst", password="secret-enough")
    page.goto(f"{live_server.url}/admin/login/?next={CHARTS}")
    page.fill("input[name=username]", "analyst")
    page.fill("input[name=password]", "secret-enough")
    page.click("button[type=submit]")
    page.wait_for_url(f"**{CHARTS}")
    yield page
    context.close()
    assert wrong == []


def ready(page: Page, name: str) -> None:
    page.locator(f"[data-chart={name}][data-ready]").wait_for()


def test_a_bar_leads_to_its_creatives_and_their_export(page: Page, tmp_path: Path) -> None:
    ready(page, "totals-segment")
    expect(page.locator("[data-chart=totals-segment]")).to_contain_text(re.compile("млн|mln"))

    search = page.locator("[data-pick=advertiser] .select2-search__field")
    search.fill("магн")
    found = page.locator(".select2-results__option")
    expect(found).to_have_text([re.compile("^МАГНИТ.*млн")])
    search.press("Enter")
    search.press("Escape")
    page.wait_for_url("**advertiser=**")
    ready(page, "totals-segment")

    bar = page.locator("[data-chart=totals-segment] .plotly .bars path").first
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url("**segment=**")
    chosen = parse_qs(urlsplit(page.url).query)
    assert chosen["advertiser"] == ["МАГНИТ"]
    expect(page.locator("a.sp-chip")).to_have_count(2)

    page.locator("[data-behind]").click()
    page.wait_for_url("**/advertisement/?**")
    assert {**chosen, "tab": None} == {**parse_qs(urlsplit(page.url).query), "tab": None}
    amounts = page.locator(".sp-table tbody td:nth-child(2)").all_inner_texts()
    heading = page.locator("[data-sum]").inner_text()

    with page.expect_download() as waiting:
        page.get_by_role("link", name="CSV", exact=True).click()
    file = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(file)
    with file.open(encoding="utf-8", newline="") as lines:
        _heading, *rows = csv.reader(lines)
    assert [row[0] for row in rows] == [
        text.split()[0] for text in page.locator(".sp-table tbody td:first-child").all_inner_texts()
    ]
    in_all = sum(Decimal(row[6]) for row in rows)
    assert in_all > 0
    assert f"{round(in_all)}" in re.sub(r"[\s\u202f\xa0]", "", heading)
    assert [round(Decimal(row[6])) for row in rows] == [
        int(re.sub(r"\D", "", amount)) for amount in amounts
    ]


def work(kind: str) -> None:
    """Run the one waiting job of a kind, as a worker does."""
    job = Job.objects.get(kind=kind, state=Job.State.QUEUED)
    assert stage_runner.run_stage(str(job.pk), job.stage, "browser") is None


def test_figures_in_preparation_are_announced_and_then_shown(
    page: Page, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(page, "totals-segment")
    monkeypatch.setattr(recount_jobs, "AT_ONCE", 1)
    for creative in Creative.objects.all():
        set_label(creative, Segment.objects.get(pk=5), None)
    page.reload()
    notice = page.locator("[data-working]")
    expect(notice.locator("progress")).to_be_visible()
    work("spend_following")
    # The page does not change by itself: a link leads to the new figures.
    notice.locator("a").click()
    expect(notice).to_have_count(0)
    ready(page, "totals-segment")
    expect(page.locator("[data-chart=totals-segment] table")).to_contain_text("5 · ")

    monkeypatch.setattr(expected_spend_jobs, "AT_ONCE", 0)
    creatives = [Creative.objects.create(advertisement_id="103", name="103.mp4")]
    reference_spend.predict(creatives, probabilities_of((0.6, 0.4)))
    segment_changes.catch_up()
    page.goto(f"{live_server.url}{CHARTS}?tab=certainty")
    expect(notice.locator("progress")).to_be_visible()
    expect(page.locator("[data-chart]")).to_have_count(0)
    work("spend_intervals")
    # Without figures to read, the page reloads by itself.
    ready(page, "expected")
    expect(page.locator("[data-worth]")).to_contain_text("103")

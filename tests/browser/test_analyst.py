"""The analyst's pages in a browser: upload, progress, player, label, language."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, expect

from tests.stack import DEMO, Stack, spoken

pytestmark = pytest.mark.stack

WORK = 150_000  # ms that a creative may take on a busy machine
SPOKEN = "84000014.wav"
BROKEN = "84000001.mp4"


@dataclass
class Complaints:
    """Errors of a page: console messages, failed requests, requests to other hosts."""

    host: str
    found: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("console", lambda m: m.type in ("error", "warning") and self.found.append(m.text))
        page.on("pageerror", lambda error: self.found.append(error.stack or str(error)))
        page.on("request", self._foreign)
        page.on("requestfailed", self._failed)
        page.on(
            "response",
            lambda r: r.status >= 400 and self.found.append(f"{r.status} {r.url}"),
        )

    def _foreign(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https", "ws", "wss") and address.netloc != self.host:
            self.found.append(f"another host: {request.url}")

    def _failed(self, request: Request) -> None:
        # Leaving a page or stopping a player aborts requests in progress.
        if request.failure != "net::ERR_ABORTED":
            self.found.append(f"{request.failure} {request.url}")


@pytest.fixture
def page(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A Russian page of a logged-in administrator; the test fails on errors of the page."""
    complaints = Complaints(urlsplit(stack.address).netloc)
    context = browser.new_context(locale="ru-RU", viewport={"width": 1280, "height": 900})
    context.set_default_timeout(30_000)
    page = context.new_page()
    complaints.watch(page)
    assert stack.credentials
    page.goto(stack.address)
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", stack.credentials[0])
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/creatives/creative/")
    yield page
    context.close()
    assert complaints.found == []


def row(page: Page, name: str) -> Locator:
    return page.locator("#result_list tr", has_text=name)


def add(page: Page, *files: Path) -> None:
    page.get_by_role("link", name="Добавить креативы").click()
    page.set_input_files("input[name=files]", files)
    for file in files:
        expect(page.locator("[data-chosen]")).to_contain_text(file.name)
    page.get_by_role("button", name="Добавить").click()
    page.wait_for_url("**/admin/creatives/creative/")


def test_from_files_to_a_segment_set_by_hand(page: Page, tmp_path: Path) -> None:
    speech = spoken(tmp_path, "90000014.wav", SPOKEN, cut=0.3)
    text = tmp_path / BROKEN
    text.write_text("This is not a film.")

    add(page, speech, text)
    assert_states_change_by_themselves(page)
    row(page, SPOKEN).get_by_role("link", name=SPOKEN).click()
    assert_player_follows_the_transcript(page)
    prediction = assert_prediction_is_explained(page)
    assert_label_stands_beside(page, prediction)
    assert_page_speaks_english(page)


def assert_states_change_by_themselves(page: Page) -> None:
    page.evaluate(
        """name => {
            window.seen = new Set();
            window.setInterval(() => {
                const rows = [...document.querySelectorAll("#result_list tr")];
                const mine = rows.find((row) => row.textContent.includes(name));
                window.seen.add(mine.querySelector("[data-upload-id]").className);
            }, 50);
        }""",
        SPOKEN,
    )
    expect(row(page, SPOKEN)).to_contain_text("Готово", timeout=WORK)
    expect(row(page, BROKEN)).to_contain_text("Ошибка", timeout=WORK)
    expect(row(page, SPOKEN)).to_contain_text("7 · Имидж")
    expect(row(page, SPOKEN)).to_contain_text(re.compile(r"модель,\s\d+\s%"))
    expect(row(page, BROKEN)).to_contain_text(re.compile(r"[А-Я][а-я ,]+\."))
    # A reload would have cleared `window.seen`: the states changed without one.
    seen = {name.removeprefix("cf-status cf-status-") for name in page.evaluate("[...window.seen]")}
    assert "done" in seen
    assert seen & {"queued", "decoding", "speech", "screen", "pictures", "classifying"}


def assert_player_follows_the_transcript(page: Page) -> None:
    player = page.locator("audio[data-player]")
    page.wait_for_function("document.querySelector('[data-player]').readyState >= 1")
    assert player.evaluate("player => player.duration") > 5
    later = page.locator(".cf-transcript [data-seek]").last
    seconds = float(later.get_attribute("data-seek") or 0)
    later.click()
    page.wait_for_function(
        "seconds => document.querySelector('[data-player]').currentTime >= seconds", arg=seconds
    )
    expect(page.locator(".cf-transcript li.cf-now")).to_have_count(1)
    player.evaluate("player => player.pause()")


def assert_prediction_is_explained(page: Page) -> str:
    candidates = page.locator(".cf-candidates li")
    expect(candidates).to_have_count(3)
    expect(candidates.first).to_contain_text(re.compile(r"7 · Имидж\s*\d+,\d %"))
    words = page.locator("p > mark")
    assert words.count() > 0
    marked = page.locator(".cf-transcript mark")
    assert marked.count() > 0
    return candidates.all_inner_texts()[0]


def assert_label_stands_beside(page: Page, prediction: str) -> None:
    page.get_by_role("radio", name=re.compile("^11 · ")).check()
    page.fill("input[name=note]", "по картинке")
    page.get_by_role("button", name="Поставить").click()
    verdict = page.locator(".cf-verdict")
    expect(verdict).to_contain_text("11 · Услуги бизнесу")
    expect(verdict).to_contain_text("по картинке")
    assert page.locator(".cf-candidates li").all_inner_texts()[0] == prediction
    page.get_by_role("link", name="Все креативы").click()
    expect(row(page, SPOKEN)).to_contain_text("11 · Услуги бизнесу")

    row(page, SPOKEN).get_by_role("link", name=SPOKEN).click()
    page.get_by_role("button", name="Снять").click()
    expect(verdict).to_have_count(0)
    assert page.locator(".cf-candidates li").all_inner_texts()[0] == prediction
    expect(page.locator(".cf-history li")).to_have_count(2)


def assert_page_speaks_english(page: Page) -> None:
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    page.get_by_text("admin", exact=True).first.click()
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_text("Words that decided")).to_be_visible()
    assert not re.search("[А-Яа-я]{3}", page.locator(".cf-head").inner_text())


@pytest.mark.parametrize(
    ("source", "name", "tag"),
    [("90000006.mp4", "84000006.mp4", "video"), ("90000002.avi", "84000002.avi", "audio")],
)
def test_films_are_played_or_at_least_their_sound(
    page: Page, tmp_path: Path, source: str, name: str, tag: str
) -> None:
    """The browser plays an mp4; for an avi it plays the sound and shows the frames."""
    film = tmp_path / name
    shutil.copy(DEMO / source, film)
    add(page, film)
    page.get_by_role("link", name=name).click()
    page.locator(".cf-candidates").wait_for(timeout=WORK)
    page.wait_for_function(f"document.querySelector('{tag}[data-player]').readyState >= 1")
    frames = page.locator(".cf-frames img")
    assert frames.count() > 3
    frames.first.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('.cf-frames img').naturalWidth > 100")
    frames.nth(3).click()
    expect(page.locator(".cf-frames .cf-now")).to_have_count(1)
    if shutil.which("tesseract"):
        assert_player_follows_the_screen(page)


def assert_player_follows_the_screen(page: Page) -> None:
    """The last card is shown after two thirds of the spot."""
    last = page.locator(".cf-screen [data-seek]").last
    seconds = float(last.get_attribute("data-seek") or 0)
    assert seconds > 3
    last.click()
    page.wait_for_function(
        "seconds => document.querySelector('[data-player]').currentTime >= seconds", arg=seconds
    )
    expect(page.locator(".cf-screen li").last).to_have_class("cf-now")

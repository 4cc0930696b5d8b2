"""Fixtures of the tests with a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, sync_playwright

# No sandbox, because root can't start Chromium with it; no background requests.
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--mute-audio",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the system's Chromium; skip the test if there is none."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    path = path or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no chromium (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield chromium
        chromium.close()


# Reports violations of a page's Content Security Policy on the console.
REPORT = """
addEventListener("securitypolicyviolation", event => console.error(
    `Content Security Policy: ${event.violatedDirective} forbids ${event.blockedURI}`
    + ` on ${location.pathname} (${event.sourceFile}:${event.lineNumber} ${event.sample})`))
"""
# ReDoc loads its logo from another host; the policy forbids that on purpose.
FORBIDDEN_ON_PURPOSE = "https://cdn.redoc.ly/redoc/logo-mini.svg"


@pytest.fixture(autouse=True)
def no_page_breaks_its_policy(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test if a page violates its Content Security Policy."""
    broken: list[str] = []
    new_context = browser.new_context

    def watched(**options: Any) -> BrowserContext:
        context = new_context(**options)
        context.add_init_script(REPORT)
        context.on("console", note)
        return context

    def note(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text and FORBIDDEN_ON_PURPOSE not in message.text:
            broken.append(message.text)

    monkeypatch.setattr(browser, "new_context", watched)
    yield
    assert broken == []

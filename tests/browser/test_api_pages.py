"""Swagger UI and ReDoc: requests use the session, and no other host answers any."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from tests.stack import Stack

pytestmark = pytest.mark.stack

READY = 60_000  # ms: the schema is generated for each user


@pytest.fixture
def page(browser: Browser, stack: Stack) -> Iterator[Page]:
    """Log in and open Swagger UI; fail if another host answers a request."""
    hosts: set[str] = set()

    def note(response: Response) -> None:
        address = urlsplit(response.url)
        if address.scheme in ("http", "https"):
            hosts.add(address.netloc)

    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.on("response", note)
    page = context.new_page()
    assert stack.credentials
    page.goto(f"{stack.address}/api/v1/docs")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", stack.credentials[0])
    page.click("button[type=submit]")
    page.wait_for_url("**/api/v1/docs")
    yield page
    context.close()
    assert hosts == {urlsplit(stack.address).netloc}


def test_swagger_ui_sends_requests_in_the_session_and_redoc_shows_the_schema(
    page: Page, stack: Stack
) -> None:
    operation = page.locator("#operations-tokens-token_create")
    operation.locator(".opblock-summary-control").click(timeout=READY)
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table .response")
    expect(answer).to_contain_text("201", timeout=READY)
    expect(answer).to_contain_text("media plan")
    page.goto(f"{stack.address}/api/v1/redoc")
    expect(page.get_by_role("heading", name="Creative Filter")).to_be_visible(timeout=READY)
    expect(page.get_by_role("heading", name="Create an access token")).to_be_attached()

"""The page with the figures of a model version. The scripts of the page are inline."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from creativefilter.creatives import model_versions


@pytest.fixture(scope="module", autouse=True)
def database_beside_the_browser() -> Iterator[None]:
    """Allow database access: Playwright leaves an event loop running in this thread."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


def test_charts_are_drawn_under_the_content_security_policy(
    browser: Browser, live_server: LiveServer, transactional_db: None
) -> None:
    version = model_versions.ensure_starter()
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    context = browser.new_context()
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value}
    context.add_cookies([{**cookie, "url": live_server.url}])
    page = context.new_page()
    page.goto(live_server.url + reverse("admin:training_version_figures", args=[version.pk]))
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible(timeout=20_000)
    context.close()

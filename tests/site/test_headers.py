"""Headers of responses: Content-Security-Policy, Cache-Control, HSTS, Location after a login."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.stack import ROOT

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
PAGES = ("/admin/creatives/creative/", "/admin/spend/advertisement/charts/", "/api/v1/docs",
         "/api/v1/redoc", "/admin/auth/user/", "/admin/nothing/")  # fmt: skip


@pytest.fixture
def root() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def policy_of(answer: object) -> dict[str, set[str]]:
    header = answer["Content-Security-Policy"]  # type: ignore[index]
    parts = (part.split() for part in header.split(";") if part.strip())
    return {name: set(values) for name, *values in parts}


@pytest.mark.parametrize("address", PAGES)
def test_pages_run_no_scripts_of_other_origins(root: Client, address: str) -> None:
    answer = root.get(address)
    policy = policy_of(answer)
    assert policy["default-src"] == {"'none'"}
    assert policy["base-uri"] == policy["frame-ancestors"] == {"'none'"}
    allowed = {one for one in policy["script-src"] if not one.startswith("'nonce-")}
    assert allowed - {"'unsafe-eval'"} == {"'self'"}
    # Only the admin's theme needs eval.
    assert ("'unsafe-eval'" in allowed) == address.startswith("/admin/")
    assert "no-store" in answer["Cache-Control"]


def test_inline_scripts_have_the_nonce_of_their_response(root: Client) -> None:
    nonces = set()
    for _time in range(2):
        answer = root.get("/api/v1/redoc")
        [nonce] = re.findall(r"'nonce-([^']+)'", answer["Content-Security-Policy"])
        assert f'<script nonce="{nonce}">' in answer.content.decode()
        assert "<script>" not in answer.content.decode()
        nonces.add(nonce)
    assert len(nonces) == 2


@pytest.mark.parametrize("address", ["/api/v1/segments", "/api/v1/nothing", "/predict"])
def test_responses_that_are_no_html_run_nothing_and_are_not_cached(
    root: Client, address: str
) -> None:
    answer = root.get(address)
    assert policy_of(answer)["default-src"] == {"'none'"}
    assert "script-src" not in policy_of(answer)
    assert answer["Cache-Control"] == "no-store"


def test_the_login_page_has_a_policy_too() -> None:
    assert policy_of(Client().get("/admin/login/"))["default-src"] == {"'none'"}


def test_static_files_can_be_cached(root: Client) -> None:
    answer = root.get("/static/creativefilter/progress.js")
    assert answer.status_code == 200
    assert "max-age" in answer["Cache-Control"]
    assert "no-store" not in answer["Cache-Control"]


def test_a_login_without_next_leads_to_an_existing_page() -> None:
    User.objects.create_superuser("root", password="right one")
    form = {"username": "root", "password": "right one"}
    client = Client()
    answer = client.post("/admin/login/", {**form, "next": ""}, follow=True)
    assert answer.status_code == 200
    client.logout()
    assert client.post("/admin/login/", form, follow=True).status_code == 200


def in_production(program: str, **environ: str) -> str:
    """Return what a program prints that runs with the settings of a production installation."""
    production = {
        "PRODUCTION": "true",
        "SECRET_KEY": "k" * 50,
        "ALLOWED_HOSTS": "localhost",
        "DATABASE_URL": "postgres://localhost/unused",
        "REDIS_URL": "redis://localhost/0",
    }
    env = {**os.environ, **production, **environ}
    argv = [sys.executable, "-c", program]
    done = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("environ", "expected"), [({}, "False"), ({"SECURE_HSTS_PRELOAD": "true"}, "True")]
)
def test_hsts_preload_is_off_by_default(environ: dict[str, str], expected: str) -> None:
    program = "from creativefilter import settings; print(settings.SECURE_HSTS_PRELOAD)"
    assert in_production(program, **environ) == expected


@pytest.mark.parametrize(
    ("environ", "expected"),
    [({}, "198.51.100.2"), ({"NUM_PROXIES": "2"}, "192.0.2.1"), ({"NUM_PROXIES": "0"}, "10.0.0.3")],
)
def test_the_client_address_is_found_behind_the_stated_number_of_proxies(
    environ: dict[str, str], expected: str
) -> None:
    program = """
from django.test import RequestFactory
from creativefilter.site.client_address import client_address

forged, client, tls_proxy, nginx = "203.0.113.9", "192.0.2.1", "198.51.100.2", "10.0.0.3"
forwarded = {"X-Forwarded-For": f"{forged}, {client}, {tls_proxy}"}
print(client_address(RequestFactory().get("/", headers=forwarded, REMOTE_ADDR=nginx)))
"""
    environ = {"DJANGO_SETTINGS_MODULE": "creativefilter.settings", **environ}
    assert in_production(program, **environ) == expected

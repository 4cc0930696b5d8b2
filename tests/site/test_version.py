"""Commands, schema, pages and package have the same version number."""

from __future__ import annotations

import subprocess
import sys
import tomllib

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from creativefilter import __version__
from tests.conftest import ROOT


@pytest.mark.parametrize("arguments", [["--version"], ["version"], ["doctor", "--version"]])
def test_commands_print_the_version(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout == f"{__version__}\n"


def test_the_version_is_printed_although_a_setting_is_wrong() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "--version"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
        env={"TOKEN_DAYS": "many", "ENV_FILE": ""},
    )  # fmt: skip
    assert done.stdout == f"{__version__}\n"


@pytest.mark.django_db
def test_the_schema_contains_the_version(api: APIClient) -> None:
    assert api.get("/api/v1/schema", {"format": "json"}).json()["info"]["version"] == __version__


@pytest.mark.django_db
def test_pages_show_the_version_in_the_footer(client: Client, analyst: User) -> None:
    client.force_login(analyst)
    for address in ("/admin/", "/admin/jobs/job/", "/admin/spend/advertisement/charts/"):
        page = client.get(address).content.decode()
        assert f"Creative Filter {__version__}</footer>" in page, address
    popup = client.get("/admin/jobs/job/?_popup=1").content.decode()
    assert "</footer>" not in popup


def test_pyproject_reads_the_version_from_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert "version" not in project["project"]
    attribute = project["tool"]["setuptools"]["dynamic"]["version"]["attr"]
    assert attribute == "creativefilter.__version__"

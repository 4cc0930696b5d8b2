"""The image and docker-compose.yml use existing commands with valid options."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from tests.serving import ROOT

SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
OURS = {name: s for name, s in SERVICES.items() if s.get("image") == "creative-filter"}


def image_command() -> str:
    [line] = [x for x in (ROOT / "Dockerfile").read_text().splitlines() if x.startswith("CMD ")]
    return shlex.join(json.loads(line.removeprefix("CMD ")))


@pytest.mark.parametrize("name", OURS)
def test_commands_are_known(name: str) -> None:
    words = shlex.split(OURS[name].get("command", image_command()))
    assert words[:2] == ["python", "manage.py"]
    command = load_command_class(get_commands()[words[2]], words[2])
    command.create_parser("manage.py", words[2]).parse_args(words[3:])


@pytest.mark.parametrize("name", OURS)
def test_every_setting_reaches_every_process(name: str) -> None:
    assert [file["path"] for file in OURS[name]["env_file"]] == [".env"]


@pytest.mark.parametrize("name", [name for name in OURS if name != "prepare"])
def test_services_have_health_checks(name: str) -> None:
    check = OURS[name]["healthcheck"]["test"][-1]
    assert "/health/live" in check or "--alive-file /tmp/alive" in OURS[name]["command"]


def test_secrets_are_kept_out_of_the_image() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {".env", ".env.*", "data"} <= set(ignored)

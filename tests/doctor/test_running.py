"""The command ``doctor`` beside a running application."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.stack import Stack


@pytest.mark.stack
def test_an_application_at_work_has_no_findings(stack: Stack) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor"],
        cwd=ROOT,
        env={**stack.data.environ, "LC_ALL": "en_US.UTF-8"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("Nothing is wrong.\n", 0)
    assert done.stderr == ""

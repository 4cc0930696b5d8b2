"""The segments of commands that work without a usable database."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

SCRIPT = """
from creativefilter.creatives.segments.directory import Directory
found = Directory.read_or_shipped()
print(sorted(found.by_number), found.counted(6).number, found.title(12))
"""


@pytest.mark.any_database
@pytest.mark.parametrize("there", [False, True])
def test_without_a_migrated_database_they_are_those_of_a_new_installation(
    tmp_path: Path, there: bool
) -> None:
    database = tmp_path / "db.sqlite3"
    if there:
        database.touch()
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", SCRIPT],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": f"sqlite:///{database}", "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{list(range(19))} 0 12 · Кредитные карты\n"
    assert database.exists() == there

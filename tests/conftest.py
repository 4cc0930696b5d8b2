"""Fixtures that every room of the suite shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The folder of the reference transcripts; the test skips where it is absent."""
    folder = Path(os.environ.get("REFERENCE_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "transcripts_dev.csv").is_file():
        pytest.skip(f"no reference data in {folder} (set REFERENCE_DATA)")
    return folder

"""Fixtures of the tests of the system check."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from classifier.speech.weights import PACKAGED_NAME, packaged_whisper
from creativefilter.jobs import doctor as jobs_doctor
from tests.creatives.analysing import folders
from tests.tasks.queueing import broker_away

__all__ = ["broker_away", "folders"]


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the packaged Whisper model."""
    folder = tmp_path_factory.mktemp("weights")
    packaged_whisper(folder / PACKAGED_NAME)
    return folder


@pytest.fixture
def installation(
    folders: Path, weights: Path, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Data folder without findings, with short leases."""
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir(mode=0o700)
    settings.WEIGHTS_FOLDER = weights
    settings.JOB_LEASE = timedelta(seconds=1)
    settings.SWEEP_SECONDS = 1
    monkeypatch.setattr(jobs_doctor, "RETRY_SECONDS", 0.1)
    return tmp_path / "data"

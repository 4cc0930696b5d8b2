"""Helpers that take in and analyse real files with real weights within the test process."""

from __future__ import annotations

import functools
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.files.base import File

from classifier.media import Frame
from classifier.screen import ScreenReader, ScreenText
from classifier.speech.types import Audio, Transcriber, Transcript
from creativefilter.creatives.analysis import engines
from creativefilter.creatives.intake import receiving
from creativefilter.creatives.intake.receiving import Received
from creativefilter.creatives.models import Creative, Prediction
from creativefilter.jobs import stage_runner
from creativefilter.jobs.models import Job

DEMO = Path(__file__).resolve().parents[2] / "demo" / "creatives"
# Short spots that Whisper base with greedy decoding recognises well enough to decide.
SPOKEN, SPOKEN_SEGMENT = "90000023.flv", 12
SPOKEN_TOO, SPOKEN_TOO_SEGMENT = "90000025.mp4", 13
MUSIC = "90000037.wav"
# Music with three text cards; the words on the cards name no segment.
SCREEN_ONLY = "90000038.mp4"


class Remembering:
    """The real recogniser, with a cache of its transcripts."""

    def __init__(self, real: Transcriber) -> None:
        self.real = real
        self.engine, self.model = real.engine, real.model
        self.transcripts: dict[str, Transcript] = {}

    def transcribe(self, audio: Sequence[Audio]) -> list[Transcript]:
        return [self._one(clip) for clip in audio]

    def _one(self, clip: Audio) -> Transcript:
        key = hashlib.sha256(clip.tobytes()).hexdigest()
        if key not in self.transcripts:
            [self.transcripts[key]] = self.real.transcribe([clip])
        return self.transcripts[key]


class RememberingReader:
    """The real reader of screens, with a cache of its readings."""

    seen: ClassVar[dict[str, ScreenText]] = {}

    def __init__(self, real: ScreenReader) -> None:
        self.real = real
        self.engine = real.engine

    def read(self, frames: Sequence[Frame]) -> ScreenText:
        pictures = b"".join(frame.image.tobytes() for frame in frames)
        key = hashlib.sha256(pictures).hexdigest()
        if key not in self.seen:
            self.seen[key] = self.real.read(frames)
        return self.seen[key]


@functools.cache
def remembering_reader() -> RememberingReader:
    """Replace ``engines.screen_reader``: has ``cache_clear`` and raises the same errors."""
    from classifier.screen import load_screen_reader

    return RememberingReader(load_screen_reader())


@functools.cache
def remembering() -> Remembering:
    from classifier.speech.recognition import load_transcriber

    return Remembering(
        load_transcriber(
            weights_folder=django_settings.WEIGHTS_FOLDER, threads=2, language="ru", beam_size=1
        )
    )


@pytest.fixture
def analyst(db: None) -> User:
    """A superuser named analyst, without a password: tests log in by ``force_login``."""
    return User.objects.create_superuser("analyst")


@pytest.fixture
def recogniser(monkeypatch: pytest.MonkeyPatch) -> None:
    """One recogniser with the packaged weights, and one reader, for all tests of this process."""
    monkeypatch.setattr(engines, "transcriber", remembering)
    monkeypatch.setattr(engines, "screen_reader", remembering_reader)


@pytest.fixture
def folders(settings: Any, tmp_path: Path) -> Path:
    """Set temporary folders for uploads and working copies; return that of the uploads."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.DERIVED_ROOT = tmp_path / "derived"
    return tmp_path / "media"


def take_in(content: bytes | Path, name: str = "", **options: Any) -> Received:
    """Upload bytes or a file; without ``name`` a file keeps its own."""
    if isinstance(content, Path):
        name = name or content.name
        content = content.read_bytes()
    return receiving.receive(File(io.BytesIO(content), name=name), name, **options)


def run(job: Job) -> Job:
    """Run all stages of a job, as a worker does."""
    queued: Job | None = job
    while queued:
        queued = stage_runner.run_stage(str(queued.pk), queued.stage, "test")
    job.refresh_from_db()
    return job


def analysed(content: bytes | Path, name: str = "", **options: Any) -> Creative:
    """Upload a file and run its job; return the creative, analysed or failed."""
    received = take_in(content, name, **options)
    run(received.job)
    received.creative.refresh_from_db()
    return received.creative


def effective(creative: Creative) -> Any:
    """Return the creative with its effective segment."""
    return Creative.objects.with_effective_segment().get(pk=creative.pk)


def evidence_of(prediction: Prediction, channel: str) -> list[dict[str, Any]]:
    """Return the evidence of a channel."""
    return next((c.get("evidence", []) for c in prediction.channels if c["name"] == channel), [])


def stored_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]

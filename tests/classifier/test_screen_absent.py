"""Machines that can't read text on screen report it; importing the reader loads no library."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from classifier.errors import ScreenCode, ScreenUnavailable
from classifier.media import Frame
from classifier.screen import detector, load_screen_reader
from tests import screen_cards as cards
from tests.sentences import sentence_of

ROOT = Path(__file__).resolve().parents[2]
TESSERACT = shutil.which("tesseract")
needs_tesseract = pytest.mark.skipif(
    TESSERACT is None, reason="needs Debian's tesseract-ocr and tesseract-ocr-rus"
)
CODE = """
from classifier.errors import ScreenUnavailable
from classifier.screen import load_screen_reader
try:
    load_screen_reader()
except ScreenUnavailable as error:
    print(error.code)
"""


def run(code: str, **env: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env={**os.environ, "PYTHONIOENCODING": "utf-8", **env},
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


def data_folder() -> Path:
    assert TESSERACT is not None
    listed = subprocess.run([TESSERACT, "--list-langs"], capture_output=True, text=True, check=True)
    return Path((listed.stdout or listed.stderr).partition('"')[2].partition('"')[0])


@pytest.fixture
def with_languages(tmp_path: Path) -> Path:
    """An empty folder for Tesseract's data."""
    folder = tmp_path / "tessdata"
    folder.mkdir()
    return folder


def test_importing_loads_no_heavy_library() -> None:
    code = "import sys, classifier.screen as s; s.load_screen_reader; print(*sorted(sys.modules))"
    loaded = set(run(code)[0].split())
    assert "classifier.screen.types" in loaded
    assert loaded.isdisjoint({"cv2", "onnxruntime", "rapidocr", "numpy", "torch"})


def test_detector_does_not_import_the_wheels_own_code() -> None:
    code = (
        "import sys, classifier.screen.detector as d\nd.TextDetector()\n"
        "print(*sorted(name.partition('.')[0] for name in sys.modules))"
    )
    loaded = set(run(code)[0].split())
    assert "cv2" in loaded
    assert loaded.isdisjoint({"rapidocr", "shapely", "pyclipper", "omegaconf", "requests", "torch"})


def test_missing_tesseract_is_reported_in_both_languages(tmp_path: Path) -> None:
    [code] = run(CODE, PATH=str(tmp_path))
    missing = ScreenUnavailable(ScreenCode(code))
    assert "не установлен Tesseract" in sentence_of(missing)
    assert "apt-get install tesseract-ocr tesseract-ocr-rus" in sentence_of(missing)
    assert "Tesseract is not installed" in sentence_of(missing, "en")


@needs_tesseract
def test_missing_russian_data_is_reported_in_both_languages(with_languages: Path) -> None:
    real = data_folder()
    for languages in ((), ("eng",)):
        for language in languages:
            name = f"{language}.traineddata"
            (with_languages / name).symlink_to(real / name)
        [code] = run(CODE, TESSDATA_PREFIX=str(with_languages))
        missing = ScreenUnavailable(ScreenCode(code))
        assert "нет данных русского языка" in sentence_of(missing), languages
        assert "no Russian data" in sentence_of(missing, "en"), languages


@needs_tesseract
def test_russian_data_without_english_is_enough(
    with_languages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    russian = data_folder() / "rus.traineddata"
    if not russian.exists():
        pytest.skip("needs Debian's tesseract-ocr-rus")
    (with_languages / "rus.traineddata").symlink_to(russian)
    monkeypatch.setenv("TESSDATA_PREFIX", str(with_languages))
    read = load_screen_reader().read([Frame(0.0, cards.paint(cards.CARDS[3], 3))])
    assert "Кэшбэк до 30%" in read.text


@pytest.mark.parametrize("content", [None, b"not the model"])
def test_missing_or_unknown_detector_is_reported(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "rapidocr"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('it must not be imported')")
    if content is not None:
        (package / "models" / "PP-OCRv6_det_small.onnx").write_bytes(content)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ScreenUnavailable) as raised:
        detector.TextDetector()
    assert "pip install --force-reinstall --no-deps rapidocr==3.10.0" in sentence_of(
        raised.value, "en"
    )
    assert "детектор текста" in sentence_of(raised.value)


@needs_tesseract
def test_killed_engine_is_reported_and_leaves_no_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real engine answers questions about itself, and is killed when it starts to read."""
    reader_or_skip()
    program = tmp_path / "tesseract"
    program.write_text(f'#!/bin/sh\ncase "$1" in --*) exec {TESSERACT} "$@";; esac\nkill -9 $$\n')
    program.chmod(0o755)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    reader = load_screen_reader()
    with pytest.raises(ScreenUnavailable) as raised:
        reader.read([Frame(0.0, cards.paint(cards.CARDS[0], 1))])
    assert "сбой Tesseract" in sentence_of(raised.value, "ru")
    assert list(scratch.iterdir()) == []
    assert reader.read([Frame(0.0, np.zeros((360, 640, 3), np.uint8))]).lines == ()


@needs_tesseract
def test_full_disk_is_not_reported_as_a_missing_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that meets a full disk fails and can be retried; without an engine it would go on."""
    reader_or_skip()

    def full(*_: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("classifier.screen.tesseract._write", full)
    with pytest.raises(OSError, match="No space left"):
        load_screen_reader().read([Frame(0.0, cards.paint(cards.CARDS[0], 1))])


def reader_or_skip() -> None:
    try:
        load_screen_reader()
    except ScreenUnavailable as error:
        pytest.skip(str(error))

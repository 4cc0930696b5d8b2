"""Marker for tests that need Tesseract."""

from __future__ import annotations

import shutil

import pytest

needs_reader = pytest.mark.skipif(
    shutil.which("tesseract") is None, reason="needs Debian's tesseract-ocr and tesseract-ocr-rus"
)

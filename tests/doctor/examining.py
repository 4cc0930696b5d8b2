"""Helpers that run the system check and age files."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path

from django.core.management import call_command
from django.utils import translation

from creativefilter.doctor import examination


def codes() -> list[str]:
    """Run all checks; return the codes of the findings, sorted."""
    return sorted(finding.code for finding in examination.report().found)


def doctor(*arguments: str) -> str:
    """Run ``manage.py doctor`` in English; return what it prints."""
    out = io.StringIO()
    with translation.override("en"):
        call_command("doctor", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def aged(path: Path, days: float = 2) -> Path:
    """Set the modification time of a file or folder to days ago; return the path."""
    then = time.time() - days * 24 * 3600
    os.utime(path, (then, then))
    return path

"""``manage.py doctor`` as a person calls it."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path

from django.core.management import call_command
from django.utils import translation

from creativefilter.doctor import examination


def codes() -> list[str]:
    """The codes of all findings."""
    return sorted(finding.code for finding in examination.report().found)


def doctor(*arguments: str) -> str:
    """What the command prints, in English."""
    out = io.StringIO()
    with translation.override("en"):
        call_command("doctor", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def aged(path: Path, days: float = 2) -> Path:
    """A file or folder as if it had been written days ago."""
    then = time.time() - days * 24 * 3600
    os.utime(path, (then, then))
    return path

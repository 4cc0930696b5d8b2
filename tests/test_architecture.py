"""Who may load whom: asked of fresh interpreters, not of this one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = (
    "torch", "transformers", "ctranslate2", "catboost", "sklearn", "faster_whisper", "whisper",
    "av", "pandas", "scipy", "onnxruntime",
)  # fmt: skip

BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"django", "celery", "kombu", "rest_framework", "creativefilter",
                                  "tasks"}:
            raise ImportError(f"{name} is blocked here")

sys.meta_path.insert(0, Blocked())
"""


def python(code: str) -> str:
    """What a fresh interpreter prints for this program; fails the test if it ends with an error."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "creativefilter.settings"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "start",
    [
        # The first request loads the addresses and with them every view.
        "import creativefilter.asgi, creativefilter.wsgi; from django.urls import get_resolver; "
        "get_resolver().url_patterns",
        "import django; django.setup(); import tasks.definitions",
        "import classifier",
    ],
)
def test_what_serves_pages_or_queues_work_loads_no_machine_learning(start: str) -> None:
    loaded = python(f"{start}\nimport sys\nprint(*sorted(set({HEAVY}) & set(sys.modules)))")
    assert loaded == ""


def test_the_question_above_would_notice_a_heavy_library() -> None:
    loaded = python(f"import av, sys\nprint(*sorted(set({HEAVY}) & set(sys.modules)))")
    assert loaded == "av"


def test_the_classifier_is_complete_without_the_framework() -> None:
    modules = python(
        BLOCKED
        + """
import importlib, pkgutil
import classifier
names = [m.name for m in pkgutil.walk_packages(classifier.__path__, "classifier.")]
for name in names:
    importlib.import_module(name)
assert not {"django", "celery"} & set(sys.modules)
print(*names)
"""
    ).split()
    assert {"classifier.asr", "classifier.media", "classifier.pipeline", "classifier.text"} <= set(
        modules
    )
    assert len(modules) > 15


def test_the_classifier_decides_without_the_framework() -> None:
    said = python(
        BLOCKED
        + """
from classifier.text import assess_speech
from classifier.text_model import TextModel
speech = assess_speech("Кредитная карта: целый год без процентов на любые покупки.")
print(TextModel.load().predict([speech.text])[0].segment)
"""
    )
    assert said == "12"


def test_the_block_used_here_does_block() -> None:
    said = python(BLOCKED + "\ntry:\n    import django\nexcept ImportError as e:\n    print(e)\n")
    assert said == "django is blocked here"

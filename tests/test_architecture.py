"""Which modules load which libraries, checked in fresh interpreters."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = (
    "torch", "transformers", "ctranslate2", "catboost", "sklearn", "faster_whisper", "whisper",
    "av", "pandas", "scipy", "onnxruntime", "cv2", "tesserocr", "safetensors", "tokenizers",
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
    """Run code in a fresh interpreter; return what it prints, or fail the test on an error."""
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
        # Load the URL configuration and all views, as the first request does.
        "import creativefilter.asgi, creativefilter.wsgi; from django.urls import get_resolver; "
        "get_resolver().url_patterns",
        "import django; django.setup(); import tasks.definitions",
        "import classifier",
    ],
)
def test_web_processes_and_task_definitions_load_no_machine_learning(start: str) -> None:
    loaded = python(f"{start}\nimport sys\nprint(*sorted(set({HEAVY}) & set(sys.modules)))")
    assert loaded == ""


@pytest.mark.parametrize(
    "start",
    [
        "import creativefilter.wsgi",
        "import creativefilter.asgi",
        "import django; django.setup()",  # commands
        "from creativefilter.celery import app; app.loader.import_default_modules()",
    ],
)
def test_every_process_that_queues_jobs_connects_the_receivers(start: str) -> None:
    receivers = python(
        f"""
{start}
from creativefilter.jobs.signals import job_queued
from creativefilter.webhooks.signals import deliveries_due
for signal in (job_queued, deliveries_due):
    [receiver] = signal._live_receivers(None)[0]
    print(f"{{receiver.__module__}}.{{receiver.__name__}}")
"""
    ).split()
    assert receivers == ["tasks.publishing.publish_queued", "tasks.publishing.publish_due"]


def test_packages_below_the_api_reverse_only_the_listed_names_of_its_urls() -> None:
    """URL names are strings, so import-linter does not notice these dependencies."""
    rooms = ("accounts", "creatives", "jobs", "spend", "tables", "training", "webhooks")
    found: dict[str, set[str]] = {}
    for room in rooms:
        for folder in (ROOT / "creativefilter" / room, ROOT / "templates" / room):
            for path in folder.rglob("*"):
                if path.suffix in (".py", ".html"):
                    names = re.findall(r"""["']api:([\w-]+)["']""", path.read_text("utf-8"))
                    found.setdefault(room, set()).update(names)
    assert {room: names for room, names in found.items() if names} == {
        "creatives": {"media", "working-copy"},
        "spend": {"spend-import-bad-rows"},
        "webhooks": {"job"},
    }


def test_loaded_heavy_libraries_are_detected() -> None:
    loaded = python(f"import av, sys\nprint(*sorted(set({HEAVY}) & set(sys.modules)))")
    assert loaded == "av"


def test_the_classifier_can_be_imported_without_django() -> None:
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
    assert {
        "classifier.speech.recognition",
        "classifier.media",
        "classifier.pipeline",
        "classifier.speech.cleaning",
    } <= set(modules)
    assert len(modules) > 15


def test_the_classifier_predicts_without_django() -> None:
    output = python(
        BLOCKED
        + """
from classifier import Bundle
from classifier.decision.types import SpotFeatures
from classifier.speech.cleaning import assess_speech
speech = assess_speech("Кредитная карта: целый год без процентов на любые покупки.")
[one] = Bundle.load().predict([SpotFeatures(speech=speech.text)])
print(one.segment, one.decision)
"""
    )
    assert output == "12 auto"


def test_the_starter_predicts_from_speech_and_screen_with_numpy_alone() -> None:
    loaded = python(
        f"""
import sys
from classifier import Bundle
from classifier.decision.types import SpotFeatures
[one] = Bundle.load().predict([SpotFeatures(speech="Кредитная карта", screen="Без процентов")])
assert one.segment == 12 and len(one.channels) == 2
assert all(view.evidence for view in one.channels)
print(*sorted(set({HEAVY}) & set(sys.modules)))
"""
    )
    assert loaded == ""


def test_the_package_loads_its_public_names_lazily() -> None:
    output = python(
        """
import sys
import classifier
heavy = {"numpy", "classifier.decision.bundle", "classifier.learning.trainer"}
cheap = not heavy & set(sys.modules)
offered = [getattr(classifier, name).__name__ for name in classifier.__all__]
try:
    classifier.nothing
except AttributeError as error:
    print(cheap, *offered, error, sep=" | ")
"""
    )
    assert output == "True | Bundle | train | module 'classifier' has no attribute 'nothing'"


def test_the_import_block_of_these_tests_works() -> None:
    output = python(BLOCKED + "\ntry:\n    import django\nexcept ImportError as e:\n    print(e)\n")
    assert output == "django is blocked here"

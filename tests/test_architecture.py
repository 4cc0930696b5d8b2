"""Who may load whom: asked of fresh interpreters, not of this one."""

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


@pytest.mark.parametrize(
    "start",
    [
        "import creativefilter.wsgi",
        "import creativefilter.asgi",
        "import django; django.setup()",  # commands
        "from creativefilter.celery import app; app.loader.import_default_modules()",
    ],
)
def test_every_process_that_queues_work_sends_it(start: str) -> None:
    heard = python(
        f"""
{start}
from creativefilter.jobs.signals import job_queued
from creativefilter.webhooks.signals import deliveries_due
for signal in (job_queued, deliveries_due):
    [receiver] = signal._live_receivers(None)[0]
    print(f"{{receiver.__module__}}.{{receiver.__name__}}")
"""
    ).split()
    assert heard == ["tasks.publishing.publish_queued", "tasks.publishing.publish_due"]


def test_rooms_below_the_api_link_to_these_addresses_of_it_alone() -> None:
    """Names are no imports: import-linter does not see this way up."""
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
    assert {
        "classifier.speech.recognition",
        "classifier.media",
        "classifier.pipeline",
        "classifier.speech.cleaning",
    } <= set(modules)
    assert len(modules) > 15


def test_the_classifier_decides_without_the_framework() -> None:
    said = python(
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
    assert said == "12 auto"


def test_the_starter_decides_on_speech_and_screen_with_numpy_alone() -> None:
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


def test_the_package_names_what_it_offers_and_loads_it_when_asked() -> None:
    said = python(
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
    assert said == "True | Bundle | train | module 'classifier' has no attribute 'nothing'"


def test_the_block_used_here_does_block() -> None:
    said = python(BLOCKED + "\ntry:\n    import django\nexcept ImportError as e:\n    print(e)\n")
    assert said == "django is blocked here"

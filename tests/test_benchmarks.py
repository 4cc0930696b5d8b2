"""Every benchmark runs with ``--quick`` and prints figures."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import common
from tests.near_duplicates import needs_chromaprint

ROOT = Path(__file__).resolve().parent.parent
# Modules that the benchmarks import.
HELPERS = {"common", "duplicate_spots", "spend_intervals", "spots"}
needs_transcripts = pytest.mark.skipif(
    not common.TRANSCRIPTS.is_file(),
    reason=f"no reference data in {common.REFERENCE} (set REFERENCE_DATA)",
)
needs_tesseract = pytest.mark.skipif(
    not shutil.which("tesseract"), reason="tesseract is not installed"
)
NEEDS = {
    "training": [pytest.mark.reference, needs_transcripts],
    "text_model": [pytest.mark.reference, needs_transcripts],
    "demonstration": [pytest.mark.weights, needs_tesseract],
    "fusion": [needs_tesseract],
    "recognition": [pytest.mark.weights],
    "duplicates": [needs_chromaprint],
    "screen_text": [needs_tesseract],
}
NAMES = sorted({path.stem for path in (ROOT / "benchmarks").glob("*.py")} - HELPERS)


@pytest.fixture(scope="session")
def run_quickly(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Return a function that runs a benchmark; all share one temporary data folder."""
    folder = tmp_path_factory.mktemp("benchmarks")

    def run(name: str) -> str:
        environment = os.environ | {"DATA_DIR": str(folder), "ENV_FILE": ""}
        environment.pop("DATABASE_URL", None)
        process = subprocess.run(
            [sys.executable, f"benchmarks/{name}.py", "--quick"],
            cwd=ROOT, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        assert process.returncode == 0, process.stderr[-3_000:]
        return process.stdout

    return run


@pytest.mark.parametrize("name", [pytest.param(name, marks=NEEDS.get(name, [])) for name in NAMES])
def test_quick_run_ends_well_and_prints_figures(
    name: str, run_quickly: Callable[[str], str]
) -> None:
    lines_with_figures = [line for line in run_quickly(name).splitlines() if re.search(r"\d", line)]
    assert len(lines_with_figures) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_documentation_says_which_question_a_benchmark_answers(name: str) -> None:
    assert f"| `{name}` |" in (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")

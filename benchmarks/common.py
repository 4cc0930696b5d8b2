"""Helpers of several benchmarks: options, child processes, databases, timing.

A benchmark is a script: ``python benchmarks/NAME.py [--quick]``. ``--quick`` runs the same code on
small inputs within seconds; its figures mean nothing. ``tests/test_benchmarks.py`` does so.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = Path(os.environ.get("REFERENCE_DATA", ROOT.parent / "shared" / "data"))
TRANSCRIPTS = REFERENCE / "transcripts_dev.csv"
SPEND = REFERENCE / "dashboard_data_synthetic.csv.gz"
T = TypeVar("T")


def options(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the first line of a module's docstring and ``--quick``."""
    parser = argparse.ArgumentParser(description=(description or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="a smoke run on small inputs")
    return parser


def weights() -> Path:
    """Return the folder of model weights, which are unpacked there at the first use."""
    return Path(os.environ.get("DATA_DIR", ROOT / "data")) / "weights"


def timed(work: Callable[[], T], clock: Callable[[], float] = time.perf_counter) -> tuple[T, float]:
    """Return the result of a call and the seconds that it took by ``clock``."""
    began = clock()
    result = work()
    return result, clock() - began


def median_seconds(
    work: Callable[[], object], repeats: int, clock: Callable[[], float] = time.perf_counter
) -> float:
    return statistics.median(timed(work, clock)[1] for _ in range(repeats))


def megabytes(field: str = "VmRSS") -> float:
    """Return a memory figure of this process in MB: ``VmRSS`` (now) or ``VmHWM`` (peak)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(field))) / 1024


def start_django(migrate: bool = True) -> None:
    """Set up Django on the database of ``DATABASE_URL``; create its tables if ``migrate``."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "creativefilter.settings"
    import django
    from django.core.management import call_command

    django.setup()
    if migrate:
        call_command("migrate", verbosity=0)


def child(file: str, folder: str, url: str, arguments: Sequence[str], capture: bool = False) -> str:
    """Run a benchmark in a process and on a database of its own.

    Args:
        file: the benchmark, ``__file__``.
        folder: the data folder.
        url: the database.
        arguments: command-line arguments of the benchmark.
        capture: return what the process prints instead of printing it.
    """
    environment = os.environ | {"DATA_DIR": folder, "DATABASE_URL": url, "ENV_FILE": ""}
    command = [sys.executable, file, *arguments]
    output = subprocess.PIPE if capture else None
    return subprocess.run(command, env=environment, stdout=output, text=True, check=True).stdout


@contextmanager
def new_databases() -> Iterator[Callable[[str, str], tuple[str, str]]]:
    """Start PostgreSQL; yield a function that makes empty databases and data folders.

    The function takes the kind ("SQLite" or "PostgreSQL") and a name that is new, and returns the
    data folder and the URL.
    """
    from tests import postgres

    server = postgres.start(Path(tempfile.mkdtemp(prefix="benchmark-postgres-")))
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:

        def new(kind: str, name: str) -> tuple[str, str]:
            data = Path(folder, f"{kind}-{name}")
            data.mkdir()
            if kind == "SQLite":
                return str(data), f"sqlite:///{data}/db.sqlite3"
            return str(data), postgres.create_database(server.url("postgres"), name)

        try:
            yield new
        finally:
            server.stop()

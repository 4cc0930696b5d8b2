"""How fast is ``manage.py ingest`` of 2,000 files, and is it safe to kill?

    python benchmarks/ingest.py

Runs on SQLite and on PostgreSQL, each time with a new database and without a broker. In the first
scenario the command is killed (SIGKILL) in the middle and started again: no file may be lost or
stored twice, and orphaned files in the storage must be found and removed. In the second scenario it
runs to its end: prints its memory (RSS) after each 500 files, its files per second, and the ratio
of its time to hashing and copying the same files. Exits with 1 if a file is lost, doubled or
orphaned.
"""

from __future__ import annotations

import hashlib
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import wave
from array import array
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

FILES = 2000
STEP = 500
RATE = 16_000
POLL_SECONDS = 0.05
COUNTS = {
    "creatives": "SELECT count(DISTINCT advertisement_id) FROM creatives_creative",
    "rows": "SELECT count(*) FROM creatives_creative",
    "media": "SELECT count(*) FROM creatives_mediaversion",
    "bytes": "SELECT count(DISTINCT sha256) FROM creatives_mediaversion",
    "jobs": "SELECT count(*) FROM jobs_job",
}


def main() -> int:
    from tests import postgres

    server = postgres.start(Path(tempfile.mkdtemp(prefix="ingest-benchmark-")))
    try:
        with tempfile.TemporaryDirectory(prefix="ingest-benchmark-") as name:
            folder = Path(name)
            size = make(folder / "in")
            print(f"{FILES:,} wav files, {size / 1e6:.0f} MB")
            passed = True
            for database in ("SQLite", "PostgreSQL"):
                for scenario in ("killed", "whole"):
                    data = folder / f"{database}-{scenario}"
                    data.mkdir()
                    url = f"sqlite:///{data}/db.sqlite3"
                    if database == "PostgreSQL":
                        url = postgres.create_database(server.url("postgres"), scenario)
                    run = Run(data, url)
                    run.manage("migrate", "--verbosity", "0")
                    print(f"{database}, {scenario}:", flush=True)
                    passed &= {"killed": ingest_killed, "whole": ingest_uninterrupted}[scenario](
                        run, folder / "in"
                    )
    finally:
        server.stop()
    return 0 if passed else 1


def make(folder: Path) -> int:
    """Write different WAV files, half a second each; return their total size in bytes."""
    folder.mkdir()
    random_numbers = random.Random(0)
    for number in range(FILES):
        pitch = 200 + number
        samples = array("h", (
            int(8000 * math.sin(pitch * t / RATE)) + random_numbers.randrange(-500, 500)
            for t in range(RATE // 2)
        ))  # fmt: skip
        with wave.open(str(folder / f"{1_000_000 + number}.wav"), "wb") as file:
            file.setparams((1, 2, RATE, len(samples), "NONE", ""))
            file.writeframes(samples.tobytes())
    return sum(path.stat().st_size for path in folder.iterdir())


class Run:
    """An installation with its own data folder and database."""

    def __init__(self, data: Path, url: str) -> None:
        self.data = data
        self.environ = {
            **{name: value for name, value in os.environ.items() if name != "REDIS_URL"},
            "DATA_DIR": str(data),
            "DATABASE_URL": url,
            "LOG_LEVEL": "CRITICAL",
        }
        self.url = url

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environ,
            stdout=subprocess.PIPE,
        )

    def manage(self, *arguments: str) -> str:
        process = self.start(*arguments)
        output, _ = process.communicate()
        if process.returncode:
            raise SystemExit(f"{arguments}: {process.returncode}")
        return output.decode()

    def count(self, name: str) -> int:
        """Count rows on a new connection, so that no transaction stays open beside the command."""
        connection: Any
        if self.url.startswith("sqlite"):
            import sqlite3

            connection = sqlite3.connect(self.data / "db.sqlite3", timeout=20)
        else:
            import psycopg

            connection = psycopg.connect(self.url)
        try:
            return int(connection.execute(COUNTS[name]).fetchone()[0])
        finally:
            connection.close()

    def stored(self) -> list[Path]:
        return [path for path in (self.data / "media").rglob("*") if path.is_file()]


def ingest_killed(run: Run, source: Path) -> bool:
    process = run.start("ingest", str(source))
    while run.count("rows") < FILES // 2:
        time.sleep(POLL_SECONDS)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    rows, orphans = run.count("rows"), len(run.stored()) - run.count("media")
    print(f"  killed after {rows:,} files; files in the storage without a row: {orphans}")
    run.manage("ingest", str(source))
    counts = {name: run.count(name) for name in COUNTS}
    two_days_ago = time.time() - 2 * 24 * 3600
    for path in run.stored():
        os.utime(path, (two_days_ago, two_days_ago))
    removed = len(run.manage("remove_orphans").splitlines()) - 1
    stored = len(run.stored())
    print("  started again: " + ", ".join(f"{name} {count:,}" for name, count in counts.items()))
    print(f"  left behind and removed: {removed}; files in the storage: {stored:,}")
    return {*counts.values(), stored} == {FILES} and removed == orphans


def ingest_uninterrupted(run: Run, source: Path) -> bool:
    seconds = hash_and_copy(source, run.data / "bare")
    began = time.perf_counter()
    process = run.start("ingest", str(source))
    # The last measurement is earlier, because the process ends with its last file.
    steps = [*range(STEP, FILES, STEP), FILES - 20]
    memory: list[str] = []
    while steps and process.poll() is None:
        if run.count("rows") >= steps[0]:
            memory.append(f"{steps.pop(0):,}: {rss(process.pid):.0f} MB")
        time.sleep(POLL_SECONDS)
    process.communicate()
    seconds_taken = time.perf_counter() - began
    print(f"  RSS after {', '.join(memory)}")
    print(
        f"  {seconds_taken:.1f} s with the start of the program, "
        f"{FILES / seconds_taken:.0f} files/s; "
        f"hash and copy alone {seconds:.2f} s: ratio {seconds_taken / seconds:.1f}"
    )
    return run.count("creatives") == FILES and process.returncode == 0


def hash_and_copy(source: Path, target: Path) -> float:
    """Return the seconds for reading, hashing and copying alone, in blocks as the intake does."""
    target.mkdir()
    began = time.perf_counter()
    for path in source.iterdir():
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(64 * 1024):
                digest.update(chunk)
            file.seek(0)
            with (target / digest.hexdigest()).open("wb") as copy:
                while chunk := file.read(64 * 1024):
                    copy.write(chunk)
    return time.perf_counter() - began


def rss(pid: int) -> float:
    """Return the resident memory of a process in MB; 0 if the process has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return 0.0
    lines = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(lines[0].split()[1]) / 1024 if lines else 0.0


if __name__ == "__main__":
    raise SystemExit(main())

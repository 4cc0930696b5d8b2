"""Helpers of the long checks: generated creatives and tables, an application, its rows.

Scripts import this module before Django is set up, so it imports no model and reads rows by SQL.
"""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import psycopg
import requests
from numpy.typing import NDArray

from tests import postgres
from tests.stack import ADMINISTRATOR, DEMO, ROOT, Client, Data, Stack, wait_until

RATE = 16_000
FIRST_LOGIN = "first-login"
DATABASES = ("sqlite", "postgresql")
# Below the Advertisement IDs of the demonstration.
FIRST_ID = 50_000_000
SPEND_HEADER = "Advertisement ID,Advertiser,Brand,Media Type,Estimated cost RUB,Year,Month"


@cache
def _speech() -> tuple[NDArray[np.int16], ...]:
    """Return the sound of each demonstration creative, 16 kHz mono, int16, (samples,)."""
    sounds = []
    for path in sorted(DEMO.iterdir()):
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        with av.open(str(path)) as file:
            parts = [
                part.to_ndarray().ravel()
                for frame in [*file.decode(audio=0), None]
                for part in resampler.resample(frame)
            ]
        sounds.append(np.concatenate(parts))
    return tuple(sounds)


def _write(path: Path, sound: NDArray[np.int16]) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", "NONE"))
        file.writeframes(sound.tobytes())
    return path


def creatives(folder: Path, n: int, seconds: float, seed: int) -> list[Path]:
    """Write short spoken creatives, cut from the demonstration.

    Args:
        folder: The folder; created if it is absent.
        n: Number of creatives, at most 10,000.
        seconds: Length of each, at most about 5.
        seed: Seed of the cuts. Creatives of different seeds below 4,000 have different names.

    Returns:
        Their paths. The name is the Advertisement ID; no two files have the same bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    dice, length = np.random.default_rng(seed), round(seconds * RATE)
    made = []
    for number in range(n):
        source = _speech()[dice.integers(len(_speech()))]
        start = int(dice.integers(max(1, len(source) - length)))
        cut = source[start : start + length].astype(np.int32)
        # Inaudible noise, so that no two files have the same bytes.
        cut += dice.integers(-2, 3, len(cut), dtype=np.int32)
        sound = cut.clip(-32768, 32767).astype(np.int16)
        made.append(_write(folder / f"{FIRST_ID + 10_000 * seed + number}.wav", sound))
    return made


def long_creative(path: Path, seconds: float) -> Path:
    """Write a creative that repeats the demonstration's speech for ``seconds``."""
    sound = np.concatenate(_speech())
    needed = round(seconds * RATE)
    return _write(path, np.tile(sound, needed // len(sound) + 1)[:needed])


def spend_table(path: Path, rows: int, seed: int) -> Path:
    """Write a spend table (CSV) with ``rows`` advertisements, one row each, over two years."""
    dice = random.Random(seed)
    with path.open("w", encoding="utf-8") as file:
        file.write(SPEND_HEADER + "\n")
        for number in range(rows):
            brand = dice.randrange(200)
            month = f"{dice.randrange(2021, 2023)},{dice.randint(1, 12)}"
            amount = f"{dice.randrange(1, 10**7)}.{dice.randrange(100):02}"
            file.write(
                f"{FIRST_ID + 10_000 * seed + number},ADVERTISER {brand % 40},BRAND {brand},"
                f"{dice.choice(('TV', 'Radio', 'Internet'))},{amount},{month}\n"
            )
    return path


@dataclass(frozen=True)
class Place:
    """A folder and an empty database for one application."""

    folder: Path
    data: Data
    server: postgres.Server | None

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return rows(self.data.database_url, query)


@contextmanager
def place(database: str, **settings: str) -> Iterator[Place]:
    """Prepare a folder and a database for an application; remove them after the block.

    Args:
        database: "sqlite" or "postgresql"; the latter starts a server for this place.
        settings: Environment variables of the application. By default user limits and the picture
            encoder are off, and the sweep runs every 15 s, the application's default.
    """
    # SIGTERM raises KeyboardInterrupt, as Ctrl-C does, so that the clean-up runs.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix=f"creative-filter-{database}-"))
    server = None
    try:
        data = folder / "data"
        data.mkdir()
        url = f"sqlite:///{data / 'db.sqlite3'}"
        if database == "postgresql":
            # A separate folder: the server's unprivileged user can't enter the application's.
            server = postgres.start(Path(tempfile.mkdtemp(prefix="creative-filter-server-")))
            url = server.url("postgres")
        environ = {
            "API_RATE": "",
            "OPEN_JOBS_PER_USER": "1000000",
            "PICTURES_ENCODER": "",
            "SWEEP_SECONDS": "15",
            **settings,
        }
        place = Place(folder, Data(data, url, environ), server)
        _prepare(place.data)
        yield place
    finally:
        if server:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _prepare(data: Data) -> None:
    """Run ``manage.py prepare``: what a first start does, without the demonstration."""
    command = [sys.executable, "manage.py", "prepare"]
    subprocess.run(command, cwd=ROOT, env=data.environ, check=True, stdout=subprocess.DEVNULL)


def _credentials(data: Data) -> tuple[str, str]:
    """Return the administrator's password and token."""
    match = ADMINISTRATOR.search((data.folder / FIRST_LOGIN).read_text("utf-8"))
    assert match is not None
    return match[1], match[2]


def client_of(stack: Stack) -> Client:
    """Return a REST client with the administrator's token."""
    return Client(stack, _credentials(stack.data)[1])


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query in the database of this URL."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=20)) as database:
            return database.execute(query).fetchall()
    with psycopg.connect(url, connect_timeout=5) as server:
        return server.execute(query).fetchall()


def moment(value: Any) -> float:
    """Return the Unix time of a database's value; naive times are UTC."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    return float(value.timestamp())


def open_jobs(url: str) -> int:
    return int(
        rows(url, "SELECT count(*) FROM jobs_job WHERE state IN ('queued', 'running')")[0][0]
    )


def wait_for_all_jobs(url: str, seconds: float) -> None:
    """Wait until no job is queued or running; raises ``NotInTimeError`` after so many seconds."""
    wait_until(lambda: not open_jobs(url), seconds, "all jobs ended")


def table(titles: Sequence[str], lines: Sequence[Sequence[Any]]) -> str:
    """Format a table as plain columns for a terminal."""
    cells = [[str(cell) for cell in line] for line in [titles, *lines]]
    widths = [max(len(line[column]) for line in cells) for column in range(len(titles))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def pages_of(stack: Stack) -> requests.Session:
    """Return a session that is logged in to the pages as administrator."""
    session = requests.Session()
    session.headers["Accept-Language"] = "en"
    form = {"username": "admin", "password": _credentials(stack.data)[0]}
    answer = post_form(session, f"{stack.address}/admin/login/", form)
    assert "/login/" not in answer.url, "the administrator could not log in"
    return session


def post_form(
    session: requests.Session, url: str, form: dict[str, str], file: Path | None = None
) -> requests.Response:
    """Send a form with its CSRF token and, if given, a file in the field ``files``."""
    session.get(url, timeout=60)
    form = {**form, "csrfmiddlewaretoken": session.cookies["csrftoken"]}
    headers = {"Referer": url}
    if file is None:
        return session.post(url, form, headers=headers, timeout=60)
    with file.open("rb") as body:
        files = {"files": (file.name, body)}
        return session.post(url, form, files=files, headers=headers, timeout=60)

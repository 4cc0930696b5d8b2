"""How fast does the API answer fifty clients at once?

    python benchmarks/api_load.py [--clients 50]

Runs the real application: PostgreSQL, broker, worker, web server. Each client submits a small WAV
file and polls its job once a second until the job ends. The baseline is an empty view of Django
REST framework, which each client calls on the same server with the same token beside these
requests. Prints the 95th percentile of each kind of request and the ratios, and checks that every
job ended exactly once. Exits with 1 if a ratio is above its limit or a job was lost.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
import threading
import time
import wave
from collections import Counter
from pathlib import Path
from typing import Any

os.environ["TEST_DATABASE"] = "postgresql"
os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.load_settings"
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import requests  # noqa: E402

from tests import environment  # noqa: E402, F401  (before the settings: starts PostgreSQL)
from tests.stack import Data, running  # noqa: E402

SUBMIT_AT_MOST, POLL_AT_MOST = 6.0, 3.0
MINUTES = 15
FINAL = {"done", "failed", "cancelled"}


def small_wav(number: int) -> bytes:
    """Return one second of a tone that no other client sends."""
    time_axis = np.arange(16_000) / 16_000
    samples = (8_000 * np.sin(2 * np.pi * (200 + 7 * number) * time_axis)).astype("<i2")
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    return out.getvalue()


class Client(threading.Thread):
    """A client that submits a file, polls its job, and times all requests."""

    def __init__(self, number: int, address: str, token: str, barrier: threading.Barrier) -> None:
        super().__init__()
        self.number, self.address, self.barrier = number, address, barrier
        self.http = requests.Session()
        self.http.headers["Authorization"] = f"Token {token}"
        self.times: dict[str, list[float]] = {"submit": [], "poll": [], "empty": []}
        self.errors: list[str] = []
        self.job: dict[str, Any] = {}

    def run(self) -> None:
        wav = small_wav(self.number)
        # Warm up: the first request loads the application and opens the connection.
        self.http.get(f"{self.address}/empty", timeout=60)
        self.barrier.wait()
        deadline = time.monotonic() + 60 * MINUTES
        self._timed("empty", "GET", "/empty")
        files = {"file": (f"{800_000 + self.number}.wav", wav)}
        self.job = self._timed("submit", "POST", "/api/v1/predict", files=files)
        while self.job and self.job["state"] not in FINAL and time.monotonic() < deadline:
            time.sleep(1)
            self.job = self._timed("poll", "GET", f"/api/v1/jobs/{self.job['id']}")
            self._timed("empty", "GET", "/empty")

    def _timed(self, kind: str, method: str, path: str, **options: Any) -> dict[str, Any]:
        began = time.perf_counter()
        try:
            answer = self.http.request(method, self.address + path, timeout=60, **options)
            self.times[kind].append(time.perf_counter() - began)
            answer.raise_for_status()
            content: dict[str, Any] = answer.json()
            return content
        except requests.RequestException as error:
            self.errors.append(f"{kind}: {error}")
            return self.job


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=50)
    clients = parser.parse_args().clients
    os.environ["API_RATE"] = "1000000/min"
    with (
        tempfile.TemporaryDirectory(prefix="load-") as folder,
        running(Data.new(Path(folder) / "data")) as stack,
    ):
        assert stack.credentials is not None
        barrier = threading.Barrier(clients)
        client_threads = [
            Client(number, stack.address, stack.credentials[1], barrier)
            for number in range(clients)
        ]
        began = time.monotonic()
        for client in client_threads:
            client.start()
        for client in client_threads:
            client.join()
        return report(client_threads, time.monotonic() - began)


def report(client_threads: list[Client], seconds: float) -> int:
    p95 = {}
    for kind in ("empty", "submit", "poll"):
        times = [t for client in client_threads for t in client.times[kind]]
        p95[kind] = float(np.percentile(times, 95))
        print(
            f"{kind:7} {len(times):6,} requests, median {1000 * np.median(times):7.1f} ms, "
            f"p95 {1000 * p95[kind]:7.1f} ms"
        )
    states = Counter(client.job.get("state") for client in client_threads)
    jobs = len({client.job.get("id") for client in client_threads})
    errors = [error for client in client_threads for error in client.errors]
    submit, poll = p95["submit"] / p95["empty"], p95["poll"] / p95["empty"]
    print(f"p95 of submit / empty view: {submit:.2f} (at most {SUBMIT_AT_MOST:.0f})")
    print(f"p95 of poll   / empty view: {poll:.2f} (at most {POLL_AT_MOST:.0f})")
    print(f"{jobs} jobs ended as {dict(states)} within {seconds:.0f} s; errors: {len(errors)}")
    for error in errors[:5]:
        print(f"  {error}")
    right = jobs == len(client_threads) == states["done"] and not errors
    return 0 if right and submit <= SUBMIT_AT_MOST and poll <= POLL_AT_MOST else 1


if __name__ == "__main__":
    sys.exit(main())

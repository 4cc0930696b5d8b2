"""The web server against slow clients, polling ones and large uploads, beside others.

    python benchmarks/web_server.py [--seconds 30] [--granian FOLDER]

Starts the real application behind each server, with two processes of 16 threads: ours
(``manage.py web``), gunicorn's own threads (gthread), and Granian if it is installed in FOLDER.
Each gets the same: requests for an empty view on 16 connections; 60 clients that send half a
header, half a body, or an upload of 200 bytes a second, while the empty view is asked every 0.5 s;
40 clients that poll on a kept connection every 0.5 to 5 s; an upload of 200 MB. Ratios are to
gthread in the same run.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROCESSES, THREADS = 2, 16
LIVE = "/health/live"
UPLOAD = 200 * 1024**2
BOUNDARY = "xxxxxxxx"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command_of(server: str, port: int) -> list[str]:
    if server == "ours":
        return [sys.executable, "manage.py", "web", "--port", str(port)]
    if server == "gthread":
        return [
            sys.executable, "-m", "gunicorn", "creativefilter.wsgi", "--preload",
            "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--keep-alive", "75",
            "--workers", str(PROCESSES), "--threads", str(THREADS), "--no-control-socket",
        ]  # fmt: skip
    return [
        sys.executable, "-m", "granian", "creativefilter.wsgi:application", "--interface", "wsgi",
        "--host", "127.0.0.1", "--port", str(port), "--workers", str(PROCESSES),
        "--blocking-threads", str(THREADS), "--http", "1",
    ]  # fmt: skip


def resident(leader: int) -> float:
    """Megabytes of all processes of a session, shared pages counted by share."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(folder.name)) == leader:
                lines = (folder / "smaps_rollup").read_text().splitlines()
                total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        except (OSError, StopIteration):
            continue
    return total / 1024


def ask(connection: http.client.HTTPConnection, path: str = LIVE) -> int:
    connection.request("GET", path)
    response = connection.getresponse()
    response.read()
    return response.status


def per_second(port: int, seconds: float, clients: int = 16) -> float:
    """Requests for the empty view in a second."""
    counts = [0] * clients
    until = time.monotonic() + seconds

    def client(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while time.monotonic() < until:
            ask(connection)
            counts[number] += 1

    in_threads([lambda n=n: client(n) for n in range(clients)])  # type: ignore[misc]
    return sum(counts) / seconds


def slow_clients(port: int, token: str, seconds: float) -> tuple[float, int]:
    """The longest answer of the empty view, and how many failed, beside 60 slow clients."""
    head = f"POST /api/v1/creatives HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
    head += f"Authorization: Token {token}\r\nContent-Length: 1000000\r\n"
    head += f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
    half_header, half_body = b"GET / HTTP/1.1\r\nHost: x\r\nX-A", head.encode() + b"x" * 1000
    slow = []
    for number in range(60):
        connection = socket.create_connection(("127.0.0.1", port), timeout=5)
        connection.sendall(half_header if number % 3 == 0 else half_body)
        slow.append(connection)
    worst, failed, until = 0.0, 0, time.monotonic() + seconds
    while time.monotonic() < until:
        for connection in slow[2::3]:
            try:
                connection.sendall(b"x" * 100)
            except OSError:
                continue
        began = time.monotonic()
        probe = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            failed += ask(probe) != 200
        except OSError:
            failed += 1
        probe.close()
        worst = max(worst, time.monotonic() - began)
        time.sleep(0.5)
    for connection in slow:
        connection.close()
    return worst, failed


def polling(port: int, seconds: float) -> tuple[int, int]:
    """Polls on kept connections, and how many met a connection that was closed."""
    polls, errors = [0] * 40, [0] * 40
    until = time.monotonic() + seconds

    def client(number: int) -> None:
        interval = (0.5, 1, 2, 2.5, 3, 4, 5)[number % 7]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while time.monotonic() < until:
            polls[number] += 1
            try:
                ask(connection)
            except (OSError, http.client.HTTPException):
                errors[number] += 1
                connection.close()
            time.sleep(interval)

    in_threads([lambda n=n: client(n) for n in range(40)])  # type: ignore[misc]
    return sum(polls), sum(errors)


def upload(port: int, token: str, leader: int) -> tuple[float, float]:
    """Seconds for an upload of 200 MB, and how many MB the server grew by meanwhile."""
    before = most = resident(leader)
    done = threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.2):
            most = max(most, resident(leader))

    watcher = threading.Thread(target=watch)
    watcher.start()
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="1.avi"\r\n\r\n'
    tail = f"\r\n--{BOUNDARY}--\r\n".encode()
    part = random.Random(port).randbytes(1024**2)

    def body() -> object:
        yield head.encode()
        for _ in range(UPLOAD // len(part)):
            yield part
        yield tail

    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    headers = {
        "Authorization": f"Token {token}",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Content-Length": str(len(head) + UPLOAD + len(tail)),
    }
    connection.request("POST", "/api/v1/creatives", body(), headers)
    response = connection.getresponse()
    answer = response.read()
    seconds = time.monotonic() - began
    done.set()
    watcher.join()
    assert response.status in (200, 202), (response.status, answer[:300])
    return seconds, most - before


def in_threads(works: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def wait_until_it_answers(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            ask(http.client.HTTPConnection("127.0.0.1", port, timeout=5))
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError


def measure(server: str, environ: dict[str, str], token: str, seconds: float) -> dict[str, float]:
    port = free_port()
    with Path(environ["DATA_DIR"], f"{server}.log").open("wb") as log:
        process = subprocess.Popen(
            command_of(server, port), cwd=ROOT, env=environ, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        wait_until_it_answers(port)
        per_second(port, 1)
        found = {"requests/s": per_second(port, 8)}
        found["MB at rest"] = resident(process.pid)
        found["upload, s"], found["upload, MB more"] = upload(port, token, process.pid)
        found["slow: worst, s"], found["slow: failed"] = slow_clients(port, token, seconds)
        found["polls"], found["poll errors"] = polling(port, seconds)
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--granian", type=Path)
    options = parser.parse_args()
    servers = ["gthread", "ours", *(["granian"] if options.granian else [])]
    with tempfile.TemporaryDirectory(prefix="web-server-") as folder:
        environ = {
            **os.environ,
            "DATA_DIR": folder,
            "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
            # No Redis at this address: requests are not counted, only served.
            "REDIS_URL": "redis://127.0.0.1:2/0",
            "API_RATE": "", "API_ANONYMOUS_RATE": "", "LOG_LEVEL": "WARNING",
            "WEB_PROCESSES": str(PROCESSES), "WEB_THREADS": str(THREADS),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(options.granian or "")]),
        }  # fmt: skip

        def manage(*words: str) -> str:
            done = subprocess.run(
                [sys.executable, "manage.py", *words],
                cwd=ROOT, env=environ, check=True, capture_output=True, text=True,
            )  # fmt: skip
            return done.stdout.strip()

        manage("migrate", "-v0")
        manage("shell", "-c", "from django.contrib.auth.models import User; "
               "User.objects.create_superuser('bench')")  # fmt: skip
        token = manage("create_token", "bench").split()[-1]
        found = {name: measure(name, environ, token, options.seconds) for name in servers}
    for key in found["gthread"]:
        print(f"{key:18}", *(f"{name} {found[name][key]:9.2f}" for name in servers), sep="   ")
    for name in servers:
        ratio = found[name]["requests/s"] / found["gthread"]["requests/s"]
        print(f"{name}: {ratio:.2f} of gthread's requests per second")


if __name__ == "__main__":
    main()

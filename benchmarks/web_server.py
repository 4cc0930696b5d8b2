"""How does the web server cope with slow clients, polling clients and large uploads?

    python benchmarks/web_server.py [--seconds 30] [--granian FOLDER] [--quick]

Starts the real application behind each server, with two processes of 16 threads: ours
(``manage.py web``), gunicorn's threads (gthread, the baseline), and Granian if it is installed in
FOLDER. Each server gets the same requests: an empty view on 16 connections; an upload of 200 MB; 60
clients that send half a header, half a body, or 200 bytes a second, while the empty view is
requested every 0.5 s; and 40 clients that poll on kept connections every 0.5 to 5 s. Ratios are to
gthread in the same run.
"""

from __future__ import annotations

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

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import common  # noqa: E402

PROCESSES, THREADS = 2, 16
LIVE = "/health/live"
UPLOAD, QUICK_UPLOAD = 200, 2  # MB
BOUNDARY = "xxxxxxxx"
MAKE_USER = """
from django.contrib.auth.models import User
from django.core.management import call_command
User.objects.create_superuser("bench")
call_command("create_token", "bench")
"""


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


def resident_megabytes(leader: int) -> float:
    """Return the memory of all processes of a session in MB (proportional set size)."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(folder.name)) == leader:
                lines = (folder / "smaps_rollup").read_text().splitlines()
                total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        except (OSError, StopIteration):
            continue
    return total / 1024


def get(connection: http.client.HTTPConnection, path: str = LIVE) -> int:
    connection.request("GET", path)
    response = connection.getresponse()
    response.read()
    return response.status


def requests_per_second(port: int, seconds: float, clients: int = 16) -> float:
    """Return the number of requests for the empty view per second."""
    counts = [0] * clients
    until = time.monotonic() + seconds

    def client(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while time.monotonic() < until:
            get(connection)
            counts[number] += 1

    in_threads([lambda n=n: client(n) for n in range(clients)])  # type: ignore[misc]
    return sum(counts) / seconds


def slow_clients(port: int, token: str, seconds: float) -> tuple[float, int]:
    """Request the empty view beside 60 slow clients.

    Returns:
        The longest response time in seconds, and the number of failed requests.
    """
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
            failed += get(probe) != 200
        except OSError:
            failed += 1
        probe.close()
        worst = max(worst, time.monotonic() - began)
        time.sleep(0.5)
    for connection in slow:
        connection.close()
    return worst, failed


def polling(port: int, seconds: float) -> tuple[int, int]:
    """Poll on kept connections; return the numbers of polls and of failed polls."""
    polls, errors = [0] * 40, [0] * 40
    until = time.monotonic() + seconds

    def client(number: int) -> None:
        interval = (0.5, 1, 2, 2.5, 3, 4, 5)[number % 7]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while time.monotonic() < until:
            polls[number] += 1
            try:
                get(connection)
            except (OSError, http.client.HTTPException):
                errors[number] += 1
                connection.close()
            time.sleep(interval)

    in_threads([lambda n=n: client(n) for n in range(40)])  # type: ignore[misc]
    return sum(polls), sum(errors)


def upload(port: int, token: str, leader: int, size: int) -> tuple[float, float]:
    """Upload ``size`` MB; return the seconds, and the growth of the server's memory in MB."""
    at_start = peak = resident_megabytes(leader)
    finished = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not finished.wait(0.2):
            peak = max(peak, resident_megabytes(leader))

    watcher = threading.Thread(target=watch)
    watcher.start()
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="1.avi"\r\n\r\n'
    tail = f"\r\n--{BOUNDARY}--\r\n".encode()
    part = random.Random(port).randbytes(1024**2)

    def body() -> object:
        yield head.encode()
        for _ in range(size):
            yield part
        yield tail

    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    headers = {
        "Authorization": f"Token {token}",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Content-Length": str(len(head) + size * len(part) + len(tail)),
    }
    connection.request("POST", "/api/v1/creatives", body(), headers)
    response = connection.getresponse()
    answer = response.read()
    seconds = time.monotonic() - began
    finished.set()
    watcher.join()
    assert response.status in (200, 202), (response.status, answer[:300])
    return seconds, peak - at_start


def in_threads(functions: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def wait_until_it_answers(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            get(http.client.HTTPConnection("127.0.0.1", port, timeout=5))
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError


def measure(
    server: str, environ: dict[str, str], token: str, seconds: float, size: int
) -> dict[str, float]:
    """Start a server; upload ``size`` MB, and measure each other part for up to ``seconds``."""
    port = free_port()
    with Path(environ["DATA_DIR"], f"{server}.log").open("wb") as log:
        process = subprocess.Popen(
            command_of(server, port), cwd=ROOT, env=environ, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        wait_until_it_answers(port)
        requests_per_second(port, min(1, seconds))
        results = {"requests/s": requests_per_second(port, min(8, seconds))}
        results["MB at rest"] = resident_megabytes(process.pid)
        results["upload, s"], results["upload, MB more"] = upload(port, token, process.pid, size)
        results["slow: worst, s"], results["slow: failed"] = slow_clients(port, token, seconds)
        results["polls"], results["poll errors"] = polling(port, seconds)
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return results


def main() -> None:
    parser = common.options(__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--granian", type=Path, help="the folder where Granian is installed")
    options = parser.parse_args()
    seconds, size = (0.5, QUICK_UPLOAD) if options.quick else (options.seconds, UPLOAD)
    servers = ["gthread", "ours", *(["granian"] if options.granian else [])]
    with tempfile.TemporaryDirectory(prefix="web-server-") as folder:
        environ = {
            **os.environ,
            "DATA_DIR": folder,
            "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
            # There is no Redis at this address, so requests are not counted for rate limits.
            "REDIS_URL": "redis://127.0.0.1:2/0",
            "API_RATE": "", "API_ANONYMOUS_RATE": "", "LOG_LEVEL": "WARNING",
            "WEB_PROCESSES": str(PROCESSES), "WEB_THREADS": str(THREADS),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(options.granian or "")]),
        }  # fmt: skip

        def manage(*arguments: str) -> str:
            process = subprocess.run(
                [sys.executable, "manage.py", *arguments],
                cwd=ROOT, env=environ, check=True, capture_output=True, text=True,
            )  # fmt: skip
            return process.stdout.strip()

        manage("migrate", "-v0")
        token = manage("shell", "-c", MAKE_USER).split()[-1]
        results = {name: measure(name, environ, token, seconds, size) for name in servers}
    for key in results["gthread"]:
        print(f"{key:18}", *(f"{name} {results[name][key]:9.2f}" for name in servers), sep="   ")
    for name in servers:
        ratio = results[name]["requests/s"] / results["gthread"]["requests/s"]
        print(f"{name}: {ratio:.2f} of gthread's requests per second")


if __name__ == "__main__":
    main()

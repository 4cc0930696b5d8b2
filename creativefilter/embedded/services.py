"""What each process of the application runs: the one place that configures gunicorn and Celery.

``manage.py web``, ``worker`` and ``beat`` call these; ``manage.py run``, the image and
docker-compose.yml call those.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from creativefilter.celery import app
from creativefilter.embedded.alive import Scheduler, touch_with_heartbeats
from creativefilter.site.lanes import QUEUES


def serve_web(host: str, port: int) -> None:
    """Serve pages and API until a signal comes; ends the process."""
    # Imported by the process that serves, not by all that look at this module.
    from gunicorn.app.base import BaseApplication

    from creativefilter.embedded.web_server import KEEP_ALIVE_SECONDS, BufferingWorker

    options: dict[str, Any] = {
        "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "worker_class": BufferingWorker,
        "workers": web_processes(),
        "threads": settings.WEB_THREADS,
        "keepalive": KEEP_ALIVE_SECONDS,
        # A process whose main thread does not get to run for so long is replaced.
        "timeout": 60,
        "graceful_timeout": 10,
        "preload_app": True,
        "proc_name": "creative-filter-web",
        "control_socket_disable": True,
    }

    class Web(BaseApplication):
        def load_config(self) -> None:
            for name, value in options.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            return get_wsgi_application()

    Web().run()


def web_processes() -> int:
    """How many processes serve; one where nothing shares the counts of requests between them."""
    return settings.WEB_PROCESSES if settings.REDIS_URL else 1


def work(
    queues: Iterable[str] = QUEUES,
    *,
    name: str = "worker@%h",
    processes: int | None = None,
    alive: Path | None = None,
) -> int:
    """Do jobs of these queues until a signal comes; returns the exit status.

    Args:
        name: The name of this worker among all; ``%h`` stands for the host.
        processes: How many stages it works on at a time; ``WORKER_PROCESSES`` if None.
        alive: A file to be touched as long as it works.
    """
    if alive:
        touch_with_heartbeats(alive)
    # Each process of the pool has its own model and threads; more would fight for the cores.
    threads = str(settings.WHISPER_THREADS)
    os.environ |= {"OMP_NUM_THREADS": threads, "OMP_THREAD_LIMIT": threads}
    return _celery(
        "worker",
        "--hostname", name,
        "--concurrency", str(processes or settings.WORKER_PROCESSES),
        "--queues", ",".join(queues),
        "--without-gossip", "--without-mingle",
    )  # fmt: skip


def beat(schedule: Path, alive: Path | None = None) -> int:
    """Send what is due by the clock until a signal comes; exactly one such process is needed.

    Args:
        schedule: A file in which it remembers when it sent what.
        alive: A file to be touched as long as it works.
    """
    Scheduler.file = alive
    return _celery(
        "beat",
        "--schedule", str(schedule),
        "--scheduler", f"{Scheduler.__module__}:{Scheduler.__name__}",
        # It is alive if it looked at its schedule within a minute.
        "--max-interval", "15",
    )  # fmt: skip


def _celery(*arguments: str) -> int:
    return int(app.start([*arguments, "--loglevel", settings.LOG_LEVEL]) or 0)

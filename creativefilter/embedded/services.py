"""The commands of each process: the only place that configures gunicorn and Celery.

``manage.py web``, ``worker`` and ``beat`` call these functions. ``manage.py run``, the image and
docker-compose.yml run those commands.
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
    """Serve pages and the API until a signal comes, then end the process."""
    # Import here, so that only the process that serves loads gunicorn.
    from gunicorn.app.base import BaseApplication

    from creativefilter.embedded.web_server import KEEP_ALIVE_SECONDS, BufferingWorker

    options: dict[str, Any] = {
        "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "worker_class": BufferingWorker,
        "workers": web_processes(),
        "threads": settings.WEB_THREADS,
        "keepalive": KEEP_ALIVE_SECONDS,
        # Replace a process whose main thread has not run for this long, seconds.
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
    """Return the number of web processes: 1 without Redis, with which they share request counts."""
    return settings.WEB_PROCESSES if settings.REDIS_URL else 1


def work(
    queues: Iterable[str] = QUEUES,
    *,
    name: str = "worker@%h",
    processes: int | None = None,
    alive: Path | None = None,
) -> int:
    """Work on jobs of these queues until a signal comes; return the exit status.

    Args:
        queues: Names of queues, see ``site/lanes.py``.
        name: The unique name of this worker; ``%h`` stands for the host.
        processes: How many stages run at the same time; None means ``WORKER_PROCESSES``.
        alive: A file to be touched while the worker works.
    """
    if alive:
        touch_with_heartbeats(alive)
    # Each process of the pool has its own model and threads; more threads would compete for the
    # cores.
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
    """Send periodic tasks until a signal comes; return the exit status. Run exactly one.

    Args:
        schedule: A file in which beat stores when each task last ran.
        alive: A file to be touched while beat works.
    """
    Scheduler.file = alive
    return _celery(
        "beat",
        "--schedule", str(schedule),
        "--scheduler", f"{Scheduler.__module__}:{Scheduler.__name__}",
        # Health checks expect beat to check its schedule at least once a minute.
        "--max-interval", "15",
    )  # fmt: skip


def _celery(*arguments: str) -> int:
    return int(app.start([*arguments, "--loglevel", settings.LOG_LEVEL]) or 0)

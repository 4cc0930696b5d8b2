"""The supervisor: one process that starts, watches and stops web, workers and broker."""

from __future__ import annotations

import errno
import fcntl
import logging
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import connections
from django.utils.translation import gettext as _

from creativefilter.celery import app
from creativefilter.embedded.broker import Broker, BrokerError
from creativefilter.embedded.processes import kill_what_is_left, spawn, stop
from creativefilter.jobs import recovery
from creativefilter.site import broker_address
from creativefilter.site.errors import UserError
from creativefilter.site.lanes import RESERVED_QUEUES
from tasks.publishing import sweep

logger = logging.getLogger(__name__)

# Seconds that a child has to end after SIGTERM before it is killed. A stage that a killed worker
# was running is queued again at the next start.
WORKER_GRACE = 15.0
# Seconds between the end of a child and its restart.
RESTART_PAUSE = 2.0
WORKER_NAME = "embedded@localhost"
# The worker for interactive jobs and upkeep, so that long jobs and batches do not delay these.
RESERVED_NAME = "people@localhost"


class SupervisorError(UserError):
    """The application can't start."""


@dataclass(slots=True)
class Child:
    """A child process with its log."""

    argv: list[str]
    env: dict[str, str]
    log: Path
    death_signal: int = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = spawn(self.argv, self.env, output=output, death_signal=self.death_signal)

    def stop(self) -> None:
        if self.process:
            stop(self.process, WORKER_GRACE)


@dataclass(slots=True)
class Watched:
    """A child that is started again, after a pause, when it dies. Call ``watch`` regularly.

    ``restart_at`` is the time (``time.monotonic``) of the restart; 0 while the child runs.
    """

    name: str
    child: Child | Broker
    restart_at: float = 0.0

    def watch(self) -> bool:
        """Check whether the child runs; if not, start it again once ``RESTART_PAUSE`` is over.

        Returns:
            Whether this call started it.
        """
        process = self.child.process
        if process is None or process.poll() is None:
            return False
        if not self.restart_at:
            status, log = process.returncode, self.child.log
            logger.error("%s ended with status %s, see %s", self.name, status, log)
            # No process that the child left behind may keep the port or work on the same jobs as
            # the next one.
            kill_what_is_left(process)
            self.restart_at = time.monotonic() + RESTART_PAUSE
        elif time.monotonic() >= self.restart_at:
            self.restart_at = 0.0
            try:
                self.child.start()
            except BrokerError:
                logger.exception("%s did not start; trying again", self.name)
            else:
                return True
        return False


@dataclass(slots=True)
class Supervisor:
    """The running application. Use it through :func:`running`."""

    host: str
    port: int
    watched: list[Watched] = field(default_factory=list)
    stopping: bool = False

    @property
    def address(self) -> str:
        return f"http://{self.host}:{self.port}/"

    def start(self, name: str, child: Child | Broker) -> None:
        """Start a child and watch it from now on."""
        self.watched.append(Watched(name, child))
        child.start()

    def serve(self, each_second: Callable[[], bool]) -> None:
        """Watch the children and sweep until a signal comes or ``each_second`` returns True."""
        last_sweep = 0.0
        while not self.stopping:
            restarted = [watched.name for watched in self.watched if watched.watch()]
            if restarted or time.monotonic() - last_sweep >= settings.SWEEP_SECONDS:
                last_sweep = time.monotonic()
                self._sweep(messages_lost=bool(restarted))
            if each_second():
                return
            time.sleep(1)

    def _sweep(self, messages_lost: bool) -> None:
        try:
            if messages_lost:
                recovery.mark_all_unpublished()
            sweep()
        except Exception:
            logger.exception("the sweep failed")
        finally:
            connections.close_all()

    def wait_for_web(self, seconds: float = 60) -> None:
        """Wait until the web server accepts connections.

        Raises:
            SupervisorError: It does not accept any within ``seconds``.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.stopping:
            try:
                socket.create_connection((self.host, self.port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        if not self.stopping:
            logs = Path(settings.DATA_DIR) / "logs"
            raise SupervisorError(_("The web server did not start; see %s.") % logs)


@contextmanager
def running(host: str, port: int | None) -> Iterator[Supervisor]:
    """Start broker, workers and web; when the block ends, stop them in the reverse order.

    A broker of its own is started only without the setting ``REDIS_URL``.

    Args:
        host: Address for the web server.
        port: Port for the web server; None takes the first free one from 8000 on.

    Raises:
        SupervisorError: Another supervisor runs on the same data, the port is taken or only for
            administrators, or ``host`` is no address of this machine.
        BrokerError: The embedded broker does not start.
    """
    data = Path(settings.DATA_DIR)
    logs = data / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with _exclusive(data / "supervisor.lock"), ExitStack() as resources:
        supervisor = Supervisor(host, _choose_port(host, port))
        previous = {s: signal.signal(s, _stop_handler(supervisor)) for s in _SIGNALS}
        try:
            url = settings.REDIS_URL
            if not url:
                own_broker = Broker(data / "broker", logs / "broker.log")
                supervisor.start("broker", own_broker)
                url = own_broker.url
                resources.enter_context(broker_address.announced(data, url))
            app.conf.update(broker_url=url)
            # If the last run was killed, the broker may have lost messages. The first sweeps send
            # those of all queued jobs again.
            recovery.mark_all_unpublished()
            for name, child in _children(supervisor, url, logs).items():
                supervisor.start(name, child)
            yield supervisor
        finally:
            app.close()
            for watched in reversed(supervisor.watched):
                watched.child.stop()
            for number, handler in previous.items():
                signal.signal(number, handler)


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _stop_handler(supervisor: Supervisor) -> Callable[[int, object], None]:
    def handle(_number: int, _frame: object) -> None:
        supervisor.stopping = True

    return handle


def _children(supervisor: Supervisor, broker_url: str, logs: Path) -> dict[str, Child]:
    env = {"REDIS_URL": broker_url, "PYTHONUNBUFFERED": "1"}
    manage = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py")]
    worker = [*manage, "worker", "--name", WORKER_NAME]
    reserved = [*manage, "worker", "--name", RESERVED_NAME, "--processes", "1"]
    reserved += ["--queues", ",".join(RESERVED_QUEUES)]
    web = [*manage, "web", "--host", supervisor.host, "--port", str(supervisor.port)]
    # For the death of this process. After SIGTERM a worker would first finish its stage, which may
    # take minutes, while the workers of the next start already run.
    kill = signal.SIGKILL
    return {
        "worker": Child(worker, env, logs / "worker.log", death_signal=kill),
        "worker for people": Child(reserved, env, logs / "worker-people.log", death_signal=kill),
        "web": Child(web, env, logs / "web.log"),
    }


@contextmanager
def _exclusive(lock: Path) -> Iterator[None]:
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = _("Creative Filter is running already on the data in %s.") % lock.parent
            raise SupervisorError(message) from None
        yield


def _choose_port(host: str, wanted: int | None) -> int:
    """Return ``wanted`` if that port is free; if it is None, the first free one from 8000 on."""
    for port in [wanted] if wanted else range(8000, 8100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if wanted and error.errno == errno.EACCES:
                    text = _(
                        "Only an administrator of this machine may use port %s. Choose another: "
                        "make run PORT=8080"
                    )
                    raise SupervisorError(text % wanted) from error
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    text = _("%s is not an address of this machine.") % host
                    raise SupervisorError(text) from error
                continue
            return port
    if wanted:
        raise SupervisorError(_("Port %s is taken. Choose another: make run PORT=8080") % wanted)
    raise SupervisorError(
        _("All ports from 8000 to 8099 are taken. Choose another: make run PORT=8100")
    )

"""Child processes that decode files, reused from file to file: one for each decoding thread.

A process starts its children when it first needs them. A process that was forked off, such as a
worker of Celery's pool, never uses its parent's children. Celery's pool processes may not start
``multiprocessing`` children, hence ``subprocess``.
"""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from classifier.media.types import Limits

# The descriptors sent with a request: the file itself, then the outputs of the fork, which are
# samples, pixels, the report (JSON) and standard error.
DESCRIPTORS = ("file", "audio", "frames", "report", "stderr")
# The exit status of a fork that ran out of memory.
EXIT_MEMORY = 3

_ROOT = Path(__file__).resolve().parents[2]
# More children than can decode at a time gain nothing; each takes about 30 MB.
_MAX_IDLE = os.cpu_count() or 1
# The child enforces the time limit. If it has not answered this much later, the parent ends it.
_GRACE_SECONDS = 30.0
# A fork starts without memory of its own, and page faults are most of what it costs. So blocks of
# up to 32 MB (the largest threshold that glibc allows here) come from one heap of huge pages.
_MALLOC = (
    "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=33554432:"
    "glibc.malloc.top_pad=67108864:glibc.malloc.trim_threshold=2147483648"
)
_idle: deque[_Child] = deque()


class ChildDiedError(Exception):
    """The child process itself ended while it worked on a file; ``status`` is its exit status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def run(descriptors: Sequence[int], limits: Limits) -> int | None:
    """Let a child process serve one request (see ``classifier.media.child``).

    However the call ends, nothing works on the file afterwards.

    Args:
        descriptors: Open file descriptors in the order of ``DESCRIPTORS``.
        limits: Limits for the fork that decodes the file.

    Returns:
        The exit status of the fork, or None if it ran out of ``limits.wall_seconds``.

    Raises:
        ChildDiedError: The child process itself ended.
        OSError: No child process can be started.
    """
    child = _send(descriptors, limits)
    try:
        status = child.receive_status(limits.wall_seconds + _GRACE_SECONDS)
    except TimeoutError:
        child.close()
        return None
    except BaseException:
        # This includes Celery's soft time limit. The answer that is still to come must not be read
        # as the answer to the next request.
        child.close()
        raise
    if len(_idle) < _MAX_IDLE:
        _idle.append(child)
    else:
        child.close()
    return status


def close() -> None:
    """End the idle child processes. The next file starts a new one."""
    while _idle:
        _idle.pop().close()


def _send(descriptors: Sequence[int], limits: Limits) -> _Child:
    """Send the request to an idle child process, or to a new one if none is left."""
    while True:
        try:
            child = _idle.pop()
        except IndexError:
            break
        try:
            child.send_request(descriptors, limits)
        except OSError:
            child.close()  # the child died while it was idle
        except BaseException:
            child.close()
            raise
        else:
            return child
    child = _Child()
    try:
        child.send_request(descriptors, limits)
    except BaseException:
        child.close()
        raise
    return child


class _Child:
    def __init__(self) -> None:
        self._socket, child_socket = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with child_socket:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-s", "-m", "classifier.media.child"),
                    *(str(child_socket.fileno()), str(os.getpid())),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd="/",
                env=_environment(),
                pass_fds=(child_socket.fileno(),),
                start_new_session=True,
            )

    def send_request(self, descriptors: Sequence[int], limits: Limits) -> None:
        socket.send_fds(self._socket, [json.dumps(asdict(limits)).encode()], descriptors)

    def receive_status(self, seconds: float) -> int | None:
        self._socket.settimeout(seconds)
        message = self._socket.recv(64)
        self._socket.settimeout(None)
        if not message:
            raise ChildDiedError(self._process.wait())
        status: int | None = json.loads(message)
        return status

    def close(self) -> None:
        """Close the connection, upon which the child ends its fork and itself; wait for that."""
        with suppress(OSError):
            # A fork of this process may hold a copy of the socket, so closing ours alone would not
            # be noticed.
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        try:
            self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def detach(self) -> None:
        """Release the child in a forked process: only the parent can use it and wait for it."""
        self._socket.close()
        self._process.returncode = 0


def _environment() -> dict[str, str]:
    """Return the variables that the interpreter needs: no proxies and no secrets of the worker."""
    environment = {"PYTHONPATH": str(_ROOT), "LANG": "C.UTF-8", "GLIBC_TUNABLES": _MALLOC}
    for name in ("PATH", "LD_LIBRARY_PATH"):
        if name in os.environ:
            environment[name] = os.environ[name]
    return environment


def _detach_all() -> None:
    while _idle:
        _idle.pop().detach()


os.register_at_fork(after_in_child=_detach_all)
atexit.register(close)

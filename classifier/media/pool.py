"""Children that decode, kept from file to file: one for each thread that decodes at a time.

They are made when first needed, by the process that needs them: one that was forked off, as the
workers of a queue are, never shares those of its parent. Celery's workers may have no children of
``multiprocessing``, hence ``subprocess``.
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

# What goes with a request: the file itself, then what the fork writes, which is samples, pixels,
# the report and its last words.
DESCRIPTORS = ("file", "audio", "frames", "report", "words")
# The exit status of a fork that ran out of memory.
EXIT_MEMORY = 3

_ROOT = Path(__file__).resolve().parents[2]
# More than decode at a time gain nothing; each takes some 30 MB.
_MOST_IDLE = os.cpu_count() or 1
# The child watches the clock; this is for one that can't.
_GRACE_SECONDS = 30.0
# A fork begins with no memory of its own, and page faults are most of what it costs: blocks of up
# to 32 MB (the most that glibc allows here) come from one heap of huge pages.
_MALLOC = (
    "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=33554432:"
    "glibc.malloc.top_pad=67108864:glibc.malloc.trim_threshold=2147483648"
)
_idle: deque[_Child] = deque()


class ChildDiedError(Exception):
    """The child itself ended in the middle of a file: ``status`` is its exit status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def run(descriptors: Sequence[int], limits: Limits) -> int | None:
    """Let a child serve one request (see ``classifier.media.child``); gives the fork's status.

    None when it ran out of ``limits.wall_seconds``. Raises ``ChildDiedError``, and ``OSError``
    when no child can be started. However this ends, nothing works on the file afterwards.
    """
    child = _send(descriptors, limits)
    try:
        status = child.answer(limits.wall_seconds + _GRACE_SECONDS)
    except TimeoutError:
        child.close()
        return None
    except BaseException:
        # Also the soft time limit of a queue: the answer to come belongs to nobody.
        child.close()
        raise
    if len(_idle) < _MOST_IDLE:
        _idle.append(child)
    else:
        child.close()
    return status


def close() -> None:
    """End the children that wait for a file. The next file gets a new one."""
    while _idle:
        _idle.pop().close()


def _send(descriptors: Sequence[int], limits: Limits) -> _Child:
    """Hand the request to a child that waits, or to a new one where none waits any more."""
    while True:
        try:
            child = _idle.pop()
        except IndexError:
            break
        try:
            child.ask(descriptors, limits)
        except OSError:
            child.close()  # it died while it waited
        except BaseException:
            child.close()
            raise
        else:
            return child
    child = _Child()
    try:
        child.ask(descriptors, limits)
    except BaseException:
        child.close()
        raise
    return child


class _Child:
    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-s", "-m", "classifier.media.child"),
                    *(str(theirs.fileno()), str(os.getpid())),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd="/",
                env=_environment(),
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )

    def ask(self, descriptors: Sequence[int], limits: Limits) -> None:
        socket.send_fds(self._socket, [json.dumps(asdict(limits)).encode()], descriptors)

    def answer(self, seconds: float) -> int | None:
        self._socket.settimeout(seconds)
        message = self._socket.recv(64)
        self._socket.settimeout(None)
        if not message:
            raise ChildDiedError(self._process.wait())
        status: int | None = json.loads(message)
        return status

    def close(self) -> None:
        """Hang up: the child ends its fork and itself. Waits for that, so that nothing is left."""
        with suppress(OSError):
            # A fork of this process may hold a copy of the socket: closing ours would say nothing.
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        try:
            self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def forget(self) -> None:
        """In a process that was forked off: the child is another's, and nothing to wait for."""
        self._socket.close()
        self._process.returncode = 0


def _environment() -> dict[str, str]:
    """Only what the interpreter needs: no proxies, no secrets of the worker."""
    environment = {"PYTHONPATH": str(_ROOT), "LANG": "C.UTF-8", "GLIBC_TUNABLES": _MALLOC}
    for name in ("PATH", "LD_LIBRARY_PATH"):
        if name in os.environ:
            environment[name] = os.environ[name]
    return environment


def _forget() -> None:
    while _idle:
        _idle.pop().forget()


os.register_at_fork(after_in_child=_forget)
atexit.register(close)

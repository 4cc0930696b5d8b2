"""The child process that opens uploaded files, so that no other process has to.

``classifier.media.pool`` starts it with a Unix socket and the process id of its parent. It loads
PyAV once and forks for each file. So every file has its own process, limits and memory, at the cost
of a fork instead of a new interpreter. The forking process itself decodes nothing and starts no
threads.

A request consists of the limits as JSON and the open descriptors listed in ``pool.DESCRIPTORS``.
The answer is the exit status of the fork: negative for a signal, null if it ran out of time.
"""

from __future__ import annotations

import ctypes
import errno
import gc
import json
import os
import resource
import select
import signal
import socket
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from classifier.errors import ErrorCode, MediaError
from classifier.media.pool import DESCRIPTORS, EXIT_MEMORY
from classifier.media.reading import read_media
from classifier.media.types import Limits

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def main() -> None:
    """Serve one file after the other until the parent closes the socket or dies."""
    parent = int(sys.argv[2])
    parent_handle = os.pidfd_open(parent)
    if os.getppid() != parent:
        return
    # A worker that is asked to stop first finishes its work. This process then ends with it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    # Import before the forks and their limits. PyAV would import the second module by itself, but
    # only after the limits are set.
    import av
    import av.subtitles.stream  # noqa: F401

    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        poll.register(parent_handle, select.POLLIN)
        while not any(ready == parent_handle for ready, _ in poll.poll()):
            try:
                request, descriptors, _, _ = socket.recv_fds(connection, 4096, len(DESCRIPTORS))
            except ConnectionResetError:
                return
            if not request:
                return
            limits = Limits(**json.loads(request))
            process = _fork(limits, descriptors, (connection.fileno(), parent_handle))
            for descriptor in descriptors:
                os.close(descriptor)
            status = _wait_for_exit(
                process, (connection.fileno(), parent_handle), limits.wall_seconds
            )
            with suppress(OSError):
                connection.send(json.dumps(status).encode())


def _wait_for_exit(process: int, stop_signals: Sequence[int], seconds: float) -> int | None:
    """Wait for a fork for at most ``seconds``, or until the parent is gone; then kill its group.

    Args:
        process: Process id of the fork.
        stop_signals: Descriptors that become readable when the parent closes the socket or dies.

    Returns:
        The exit status, or None if the fork was still running after ``seconds``.
    """
    handle = os.pidfd_open(process)
    poll = select.poll()
    for descriptor in (handle, *stop_signals):
        poll.register(descriptor, select.POLLIN)
    ready = poll.poll(seconds * 1000)
    os.close(handle)
    # The fork has not been reaped, so its process id can't have been reused. The whole group is
    # killed to include processes that the fork started.
    os.killpg(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status) if ready else None


def _fork(limits: Limits, descriptors: Sequence[int], private: Sequence[int]) -> int:
    """Start the process for one file, which closes the ``private`` descriptors; return its id."""
    parent = os.getpid()
    process = os.fork()
    if process:
        # Set the group in both processes: either of them may run first.
        with suppress(PermissionError, ProcessLookupError):
            os.setpgid(process, process)
        return process
    status = 1
    try:
        os.setpgid(0, 0)
        for descriptor in private:
            os.close(descriptor)
        os.dup2(descriptors[-1], 2)
        _confine(limits, parent)
        _serve(limits, descriptors)
        status = 0
    except MemoryError:
        status = EXIT_MEMORY
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _confine(limits: Limits, parent: int) -> None:
    """Make this process die with its parent and limit its resources."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.output_bytes, limits.output_bytes))
    # The soft limit sends SIGXCPU, by which the parent recognises the cause; the hard limit can't
    # be caught.
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))


def _serve(limits: Limits, descriptors: Sequence[int]) -> None:
    file, audio, frames, report = descriptors[:4]
    answer: dict[str, Any]
    try:
        answer = _decode(limits, file, audio, frames)
    except MediaError as error:
        answer = {"error": error.code, "detail": error.detail}
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        detail = f"more than {limits.output_bytes} bytes of sound or of pictures"
        answer = {"error": ErrorCode.OUTPUT_TOO_LARGE, "detail": detail}
    os.write(report, json.dumps(answer).encode())


def _decode(limits: Limits, file: int, audio: int, frames: int) -> dict[str, Any]:
    with (
        os.fdopen(file, "rb", buffering=0) as source,
        os.fdopen(audio, "wb") as samples,
        os.fdopen(frames, "wb") as pixels,
    ):
        return read_media(source, samples, pixels, limits)


if __name__ == "__main__":
    main()

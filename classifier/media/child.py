"""The process that opens foreign files, so that no other has to.

Started by ``classifier.media.pool`` with a Unix socket and the number of its parent. It loads PyAV
once and forks for each file: every file has a process, limits and memory of its own, and costs a
fork instead of an interpreter. The parent of the forks decodes nothing and starts no thread.

A request is JSON with the limits, and the open descriptors that ``pool.DESCRIPTORS`` names; the
answer is the exit status of the fork, negative for a signal, or null if it ran out of time.
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
    """Serve one file after the other until the parent hangs up or dies."""
    parent = int(sys.argv[2])
    alive = os.pidfd_open(parent)
    if os.getppid() != parent:
        return
    # Whoever stops a worker gently lets it end its work: this process ends with it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    # Before the forks and their limits. PyAV loads the second one by itself, but late.
    import av
    import av.subtitles.stream  # noqa: F401

    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        poll.register(alive, select.POLLIN)
        while not any(ready == alive for ready, _ in poll.poll()):
            try:
                request, descriptors, _, _ = socket.recv_fds(connection, 4096, len(DESCRIPTORS))
            except ConnectionResetError:
                return
            if not request:
                return
            limits = Limits(**json.loads(request))
            process = _fork(limits, descriptors, (connection.fileno(), alive))
            for descriptor in descriptors:
                os.close(descriptor)
            status = _ended(process, (connection.fileno(), alive), limits.wall_seconds)
            with suppress(OSError):
                connection.send(json.dumps(status).encode())


def _ended(process: int, others: Sequence[int], seconds: float) -> int | None:
    """Wait for a fork, not longer than ``seconds`` nor than the parent does, and leave nothing."""
    handle = os.pidfd_open(process)
    poll = select.poll()
    for descriptor in (handle, *others):
        poll.register(descriptor, select.POLLIN)
    ready = poll.poll(seconds * 1000)
    os.close(handle)
    # Not yet waited for, so its number is still its own. The group: whatever it started, too.
    os.killpg(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status) if ready else None


def _fork(limits: Limits, descriptors: Sequence[int], private: Sequence[int]) -> int:
    """Start the process for one file; it holds none of the ``private`` descriptors."""
    parent = os.getpid()
    process = os.fork()
    if process:
        # Here and there, for nobody knows who comes first.
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
    """Die with the parent, and before it runs out of anything."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.output_bytes, limits.output_bytes))
    # The soft limit sends SIGXCPU, which tells the parent why; the hard one can't be caught.
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))


def _serve(limits: Limits, descriptors: Sequence[int]) -> None:
    file, audio, frames, report = descriptors[:4]
    answer: dict[str, Any]
    try:
        answer = _decoded(limits, file, audio, frames)
    except MediaError as error:
        answer = {"error": error.code, "detail": error.detail}
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        detail = f"more than {limits.output_bytes} bytes of sound or of pictures"
        answer = {"error": ErrorCode.OUTPUT_TOO_LARGE, "detail": detail}
    os.write(report, json.dumps(answer).encode())


def _decoded(limits: Limits, file: int, audio: int, frames: int) -> dict[str, Any]:
    with (
        os.fdopen(file, "rb", buffering=0) as source,
        os.fdopen(audio, "wb") as samples,
        os.fdopen(frames, "wb") as pixels,
    ):
        return read_media(source, samples, pixels, limits)


if __name__ == "__main__":
    main()

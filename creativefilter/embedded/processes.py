"""Child processes that never outlive us, whatever ends us."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def spawn(
    argv: Sequence[str | Path],
    env: Mapping[str, str] | None = None,
    *,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    output: int | IO[bytes] | None = None,
    death_signal: int = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Starts a process in a session of its own, so that Ctrl-C reaches only the supervisor.

    The kernel sends it ``death_signal`` when the calling *thread* ends, killed or not: call this
    from the main thread.
    """
    parent = os.getpid()
    prctl = ctypes.CDLL(None).prctl  # loaded before the fork

    def die_with_parent() -> None:
        prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:
            os._exit(1)

    return subprocess.Popen(
        [str(word) for word in argv],
        env={**os.environ, **(env or {})},
        stdin=stdin,
        stdout=output,
        stderr=output,
        start_new_session=True,
        preexec_fn=die_with_parent,
    )


def stop(process: subprocess.Popen[bytes], grace: float, first: int = signal.SIGTERM) -> None:
    """Asks a process to end; what is left of its session after ``grace`` seconds is killed."""
    if process.returncode is not None:
        return  # reaped before: its number may be somebody else's by now
    if process.poll() is None:
        process.send_signal(first)
        with suppress(subprocess.TimeoutExpired):
            process.wait(grace)
    kill_what_is_left(process)
    process.wait()


def kill_what_is_left(process: subprocess.Popen[bytes]) -> None:
    """Kills the session of a process: itself, and children that it could not end when it died."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)

"""Child processes that end together with their parent, however that ends."""

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
    """Start a process in a session of its own, so that Ctrl-C reaches only the supervisor.

    Call this from the main thread: the kernel sends ``death_signal`` to the process when the
    *thread* that called this ends.

    Args:
        argv: The command and its arguments.
        env: Variables on top of those of this process.
        stdin: Standard input.
        output: Standard output and standard error; None inherits those of this process.
        death_signal: Signal that the process gets when the calling thread ends.
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
    """Send ``first``, wait at most ``grace`` seconds, and kill what is left of the session."""
    if process.returncode is not None:
        return  # already reaped: its process id may belong to another process by now
    if process.poll() is None:
        process.send_signal(first)
        with suppress(subprocess.TimeoutExpired):
            process.wait(grace)
    kill_what_is_left(process)
    process.wait()


def kill_what_is_left(process: subprocess.Popen[bytes]) -> None:
    """Kill the session of a process: itself, and children that it left behind."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)

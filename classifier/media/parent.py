"""The side of the worker: start a child, wait, check what it left.

Files come from outside and are never opened by a decoder in this process. Nothing here imports
PyAV.
"""

from __future__ import annotations

import json
import os
import select
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from classifier.errors import ErrorCode, MediaError
from classifier.media.types import Frame, Limits, Media, Probe

FOLDER_PREFIX = "creative-media-"
REPORT_FILE = "report.json"
AUDIO_FILE = "audio.f32"
FRAMES_FILE = "frames.rgb"
EXIT_MEMORY = 3

_MAX_REPORT_BYTES = 64 * 1024
_DEFAULT_LIMITS = Limits()
_ROOT = Path(__file__).resolve().parents[2]


def decode(path: Path, limits: Limits = _DEFAULT_LIMITS) -> Media:
    """Decode one file in a child process of its own.

    The content decides what the file is, its name and extension never do. Damaged files give
    what is whole in them (``probe.partial``). Raises ``MediaError``, and nothing else, for every
    file that gives neither sound nor picture; no process and no temporary file outlives the call.
    """
    with _opened(path, limits) as descriptor:
        try:
            with tempfile.TemporaryDirectory(prefix=FOLDER_PREFIX) as name:
                folder = Path(name)
                status = _run_child(descriptor, folder, limits)
                report = _read_report(folder, status)
                return _read_media(folder, report, limits)
        except OSError as error:
            # Our own trouble (a full disk, no more processes), never the file's.
            raise MediaError(ErrorCode.INTERNAL, repr(error)) from error


@contextmanager
def _opened(path: Path, limits: Limits) -> Iterator[int]:
    """The file's descriptor: the child gets that and no name, so no name can mislead it."""
    try:
        # Without O_NONBLOCK opening a pipe that nobody writes to would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise MediaError(ErrorCode.NOT_FOUND, str(error)) from error
    except (OSError, ValueError) as error:
        raise MediaError(ErrorCode.UNREADABLE, str(error)) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise MediaError(ErrorCode.UNREADABLE, "not a regular file")
        if status.st_size == 0:
            raise MediaError(ErrorCode.EMPTY, "0 bytes")
        if status.st_size > limits.bytes:
            raise MediaError(ErrorCode.TOO_LARGE, f"{status.st_size} bytes > {limits.bytes}")
        yield descriptor
    finally:
        os.close(descriptor)


def _run_child(descriptor: int, folder: Path, limits: Limits) -> int:
    """Run the child to its end; gives its exit status, negative for a signal."""
    request = {
        "descriptor": descriptor,
        "folder": str(folder),
        "parent": os.getpid(),
        "limits": asdict(limits),
    }
    with (folder / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-P", "-s", "-m", "classifier.media.child", json.dumps(request)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            cwd=folder,
            env=_environment(folder),
            pass_fds=(descriptor,),
            start_new_session=True,
        )
    try:
        if not _ended(process, limits.wall_seconds):
            raise MediaError(ErrorCode.TIMED_OUT, f"{limits.wall_seconds} s on the clock")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return process.returncode


def _environment(folder: Path) -> dict[str, str]:
    """Only what the interpreter needs: no proxies, no secrets of the worker."""
    environment = {"PYTHONPATH": str(_ROOT), "TMPDIR": str(folder), "LANG": "C.UTF-8"}
    for name in ("PATH", "LD_LIBRARY_PATH"):
        if name in os.environ:
            environment[name] = os.environ[name]
    return environment


def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait without the polling of ``Popen.wait``, which costs up to 50 ms a file."""
    descriptor = os.pidfd_open(process.pid)
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(descriptor)


def _read_report(folder: Path, status: int) -> dict[str, Any]:
    if status == EXIT_MEMORY:
        raise MediaError(ErrorCode.MEMORY_LIMIT, "the child ran out of its address space")
    if status < 0:
        raise _killed(signal.Signals(-status))
    if status != 0:
        raise MediaError(ErrorCode.INTERNAL, f"status {status}: {_tail(folder / 'stderr')}")
    try:
        report = json.loads(_contents(folder / REPORT_FILE, _MAX_REPORT_BYTES))
        if "error" in report:
            raise MediaError(ErrorCode(report["error"]), str(report["detail"]))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise MediaError(ErrorCode.INTERNAL, f"report of the child: {error!r}") from error
    return dict(report)


def _killed(number: signal.Signals) -> MediaError:
    """SIGXCPU is the CPU limit; SIGKILL is not ours here, so it is the kernel out of memory."""
    codes = {
        signal.SIGXCPU: ErrorCode.TIMED_OUT,
        signal.SIGKILL: ErrorCode.MEMORY_LIMIT,
        signal.SIGTERM: ErrorCode.INTERNAL,
        signal.SIGINT: ErrorCode.INTERNAL,
    }
    return MediaError(codes.get(number, ErrorCode.DAMAGED), f"the child ended by {number.name}")


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 2000))
        return file.read(2000).decode("utf-8", "replace").strip()


def _contents(path: Path, most: int) -> bytearray:
    """A file of the child, refused unread when it is no regular file or larger than ``most``."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > most:
            raise ValueError(f"{path.name}: {status.st_size} bytes > {most}")
        content = bytearray(status.st_size)
        if file.readinto(content) != status.st_size:
            raise ValueError(f"{path.name} changed while it was read")
        return content


def _read_media(folder: Path, report: dict[str, Any], limits: Limits) -> Media:
    import numpy as np

    try:
        probe = Probe(**report["probe"])
        audio = np.frombuffer(_contents(folder / AUDIO_FILE, limits.output_bytes), np.float32)
        pixels = np.frombuffer(_contents(folder / FRAMES_FILE, limits.output_bytes), np.uint8)
        times = [float(seconds) for seconds in report["times"]]
        images = pixels.reshape(len(times), int(report["height"]), int(report["width"]), 3)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise MediaError(ErrorCode.INTERNAL, f"output of the child: {error!r}") from error
    # Damaged float PCM holds NaN and infinities, and lossy codecs overshoot full scale.
    np.nan_to_num(audio, copy=False, posinf=1.0, neginf=-1.0)
    np.clip(audio, -1.0, 1.0, out=audio)
    return Media(audio, tuple(map(Frame, times, images)), probe)

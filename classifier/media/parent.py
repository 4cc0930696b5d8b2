"""The worker's side of decoding: send a file to a child process and check its output.

Uploaded files are never opened by a decoder in this process. This module does not import PyAV.
"""

from __future__ import annotations

import json
import os
import signal
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from classifier.errors import ErrorCode, MediaError
from classifier.media import pool
from classifier.media.types import Frame, Limits, Media, Probe

_MAX_REPORT_BYTES = 64 * 1024
_DEFAULT_LIMITS = Limits()
_PROBE_FIELDS = {field.name for field in fields(Probe)}
# What parsing the output of a child can raise, whatever a hostile file made it write.
_UNUSABLE = (
    OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError, MemoryError,
)  # fmt: skip


def decode(path: Path, limits: Limits = _DEFAULT_LIMITS) -> Media:
    """Decode one file in another process.

    The content alone decides the format, never the file name. A damaged file gives the parts that
    can be read (``probe.partial``). After the call no process reads the file any more. The child
    process forks for each file and stays alive for the next one. Thread-safe.

    Raises:
        MediaError: The file can't be opened, exceeds a limit or gives neither sound nor pictures;
            or decoding failed for a reason of this machine or program (``INTERNAL``). The content
            of a file can cause no other exception.
    """
    with _opened(path, limits) as descriptor, ExitStack() as stack:
        try:
            outputs = {name: _in_memory(name, stack) for name in pool.DESCRIPTORS[1:]}
            status = pool.run([descriptor, *outputs.values()], limits)
            report = _read_report(outputs, status, limits)
            return _read_media(outputs, report, limits)
        except pool.ChildDiedError as error:
            raise _error_for_status(error.status) from error
        except OSError as error:
            # A problem of this machine (no more memory or processes), not of the file.
            raise MediaError(ErrorCode.INTERNAL, repr(error)) from error


@contextmanager
def _opened(path: Path, limits: Limits) -> Iterator[int]:
    """Open the file and yield its descriptor, which is all that the child gets of it.

    Raises:
        MediaError: The file can't be opened, is empty, too large or no regular file.
    """
    try:
        # Without O_NONBLOCK, opening a pipe without a writer would block forever.
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


def _in_memory(name: str, stack: ExitStack) -> int:
    """Create a file in memory for the child to write; it is gone when ``stack`` ends."""
    descriptor = os.memfd_create(f"creative-{name}")
    stack.callback(os.close, descriptor)
    return descriptor


def _read_report(outputs: dict[str, int], status: int | None, limits: Limits) -> dict[str, Any]:
    if status is None:
        raise MediaError(
            ErrorCode.TIMED_OUT, f"more than {limits.wall_seconds} s of wall-clock time"
        )
    if status == pool.EXIT_MEMORY:
        detail = f"more than {limits.memory_bytes} bytes of address space"
        raise MediaError(ErrorCode.MEMORY_LIMIT, detail)
    if status < 0:
        raise _error_for_status(status)
    if status != 0:
        raise MediaError(ErrorCode.INTERNAL, f"status {status}: {_tail(outputs['stderr'])}")
    try:
        report = dict(json.loads(_contents(outputs, "report", _MAX_REPORT_BYTES)))
        if "error" in report:
            raise MediaError(ErrorCode(report["error"]), str(report["detail"]))
    except _UNUSABLE as error:
        raise MediaError(ErrorCode.INTERNAL, f"report of the child: {error!r}") from error
    return report


def _error_for_status(status: int) -> MediaError:
    """Return the error for the exit status of a process that ended without a report.

    SIGXCPU means that the CPU limit is reached. SIGKILL means that the kernel ended the process
    because memory ran out: this program itself kills a process only when it has its status already
    or does not need it. SIGTERM and SIGINT are sent by people or other programs. Any other signal,
    such as SIGSEGV, means a damaged file.
    """
    if status >= 0:
        return MediaError(ErrorCode.INTERNAL, f"the child ended with status {status}")
    number = -status
    codes: dict[int, ErrorCode] = {
        signal.SIGXCPU: ErrorCode.TIMED_OUT,
        signal.SIGKILL: ErrorCode.MEMORY_LIMIT,
        signal.SIGTERM: ErrorCode.INTERNAL,
        signal.SIGINT: ErrorCode.INTERNAL,
    }
    code = codes.get(number, ErrorCode.DAMAGED)
    return MediaError(code, f"the child was ended by signal {number}")


def _tail(descriptor: int) -> str:
    start = max(0, os.fstat(descriptor).st_size - 2000)
    return os.pread(descriptor, 2000, start).decode("utf-8", "replace").strip()


def _contents(outputs: dict[str, int], name: str, max_bytes: int) -> bytearray:
    """Return what the child wrote to an output.

    Raises:
        ValueError: That is more than ``max_bytes``, or it changed while it was read.
    """
    size = os.fstat(outputs[name]).st_size
    if size > max_bytes:
        raise ValueError(f"{name}: {size} bytes > {max_bytes}")
    content = bytearray(size)
    if os.preadv(outputs[name], [content], 0) != size:
        raise ValueError(f"{name} changed while it was read")
    return content


def _read_media(outputs: dict[str, int], report: dict[str, Any], limits: Limits) -> Media:
    import numpy as np

    try:
        reported = report["probe"]
        if set(reported) != _PROBE_FIELDS:
            raise ValueError(f"fields of the probe: {sorted(reported)}")
        probe = Probe(**{**reported, "streams": tuple(map(str, reported["streams"]))})
        audio = np.frombuffer(_contents(outputs, "audio", limits.output_bytes), np.float32)
        pixels = np.frombuffer(_contents(outputs, "frames", limits.output_bytes), np.uint8)
        times = [float(seconds) for seconds in report["times"]]
        images = pixels.reshape(len(times), int(report["height"]), int(report["width"]), 3)
    except _UNUSABLE as error:
        raise MediaError(ErrorCode.INTERNAL, f"output of the child: {error!r}") from error
    # Damaged float PCM holds NaN and infinities, and lossy codecs overshoot full scale.
    np.nan_to_num(audio, copy=False, posinf=1.0, neginf=-1.0)
    np.clip(audio, -1.0, 1.0, out=audio)
    return Media(audio, tuple(map(Frame, times, images)), probe)

"""The side of the worker: hand a file to a child, wait, check what it left.

Files come from outside and are never opened by a decoder in this process. Nothing here imports
PyAV.
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


def decode(path: Path, limits: Limits = _DEFAULT_LIMITS) -> Media:
    """Decode one file in a process of its own.

    The content decides what the file is, its name and extension never do. Damaged files give
    what is whole in them (``probe.partial``). Raises ``MediaError``, and nothing else, for every
    file that gives neither sound nor picture. Nothing works on the file after the call; an idle
    child waits for the next one. May be called from several threads at a time.
    """
    with _opened(path, limits) as descriptor, ExitStack() as stack:
        try:
            outputs = {name: _in_memory(name, stack) for name in pool.DESCRIPTORS[1:]}
            status = pool.run([descriptor, *outputs.values()], limits)
            report = _read_report(outputs, status, limits)
            return _read_media(outputs, report, limits)
        except pool.ChildDiedError as error:
            raise _died(error.status) from error
        except OSError as error:
            # Our own trouble (no more memory or processes), never the file's.
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


def _in_memory(name: str, stack: ExitStack) -> int:
    """A file without a name, for the child to write: nothing is left of it, whoever is killed."""
    descriptor = os.memfd_create(f"creative-{name}")
    stack.callback(os.close, descriptor)
    return descriptor


def _read_report(outputs: dict[str, int], status: int | None, limits: Limits) -> dict[str, Any]:
    if status is None:
        raise MediaError(ErrorCode.TIMED_OUT, f"{limits.wall_seconds} s on the clock")
    if status == pool.EXIT_MEMORY:
        raise MediaError(ErrorCode.MEMORY_LIMIT, "the child ran out of its address space")
    if status < 0:
        raise _died(status)
    if status != 0:
        raise MediaError(ErrorCode.INTERNAL, f"status {status}: {_tail(outputs['words'])}")
    try:
        report = json.loads(_contents(outputs, "report", _MAX_REPORT_BYTES))
        if "error" in report:
            raise MediaError(ErrorCode(report["error"]), str(report["detail"]))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise MediaError(ErrorCode.INTERNAL, f"report of the child: {error!r}") from error
    return dict(report)


def _died(status: int) -> MediaError:
    """SIGXCPU is the CPU limit; SIGKILL is not ours here, so it is the kernel out of memory."""
    if status >= 0:
        return MediaError(ErrorCode.INTERNAL, f"the child ended with status {status}")
    number = signal.Signals(-status)
    codes = {
        signal.SIGXCPU: ErrorCode.TIMED_OUT,
        signal.SIGKILL: ErrorCode.MEMORY_LIMIT,
        signal.SIGTERM: ErrorCode.INTERNAL,
        signal.SIGINT: ErrorCode.INTERNAL,
    }
    return MediaError(codes.get(number, ErrorCode.DAMAGED), f"the child ended by {number.name}")


def _tail(descriptor: int) -> str:
    start = max(0, os.fstat(descriptor).st_size - 2000)
    return os.pread(descriptor, 2000, start).decode("utf-8", "replace").strip()


def _contents(outputs: dict[str, int], name: str, most: int) -> bytearray:
    """What the child wrote, refused unread when it is larger than ``most``."""
    size = os.fstat(outputs[name]).st_size
    if size > most:
        raise ValueError(f"{name}: {size} bytes > {most}")
    content = bytearray(size)
    if os.preadv(outputs[name], [content], 0) != size:
        raise ValueError(f"{name} changed while it was read")
    return content


def _read_media(outputs: dict[str, int], report: dict[str, Any], limits: Limits) -> Media:
    import numpy as np

    try:
        said = report["probe"]
        if set(said) != _PROBE_FIELDS:
            raise ValueError(f"fields of the probe: {sorted(said)}")
        probe = Probe(**{**said, "streams": tuple(map(str, said["streams"]))})
        audio = np.frombuffer(_contents(outputs, "audio", limits.output_bytes), np.float32)
        pixels = np.frombuffer(_contents(outputs, "frames", limits.output_bytes), np.uint8)
        times = [float(seconds) for seconds in report["times"]]
        images = pixels.reshape(len(times), int(report["height"]), int(report["width"]), 3)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise MediaError(ErrorCode.INTERNAL, f"output of the child: {error!r}") from error
    # Damaged float PCM holds NaN and infinities, and lossy codecs overshoot full scale.
    np.nan_to_num(audio, copy=False, posinf=1.0, neginf=-1.0)
    np.clip(audio, -1.0, 1.0, out=audio)
    return Media(audio, tuple(map(Frame, times, images)), probe)

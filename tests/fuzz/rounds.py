"""Runner of hypothesis: a single short round in the test suite, many rounds in ``make fuzz``.

``FUZZ_SECONDS`` sets the time after which no new round starts, ``FUZZ_SEED`` the first seed. A
failure is shrunk, recorded and ignored from then on, so that later rounds find other failures.
"""

from __future__ import annotations

import faulthandler
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

Example = TypeVar("Example")

SEED = int(os.environ.get("FUZZ_SEED", "1"))
SECONDS = float(os.environ.get("FUZZ_SECONDS", "0"))
# Examples of each round if ``FUZZ_SECONDS`` is set.
ROUND = 200
# Limits of an example in seconds: processor time, and wall time, which only a deadlock exceeds and
# which ends the whole process.
CPU_SECONDS = 10
WALL_SECONDS = 240
# Bytes of memory that an example may map in addition.
MEMORY = 768 << 20


class HangError(BaseException):
    """An example took too long. ``except Exception`` does not catch this error."""


@contextmanager
def watched() -> Iterator[None]:
    """Limit the time and memory of an example."""

    def stop(_number: int, _frame: Any) -> None:
        raise HangError

    previous_handler = signal.signal(signal.SIGPROF, stop)
    limits = resource.getrlimit(resource.RLIMIT_AS)
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + MEMORY, limits[1]))
    faulthandler.dump_traceback_later(WALL_SECONDS, exit=True, file=sys.__stderr__)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS, 1)
    try:
        yield
    except HangError as error:
        raise AssertionError(f"longer than {CPU_SECONDS} s") from error
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.cancel_dump_traceback_later()
        resource.setrlimit(resource.RLIMIT_AS, limits)
        signal.signal(signal.SIGPROF, previous_handler)


class Failures:
    """The distinct failures so far, each with the smallest example found."""

    def __init__(self) -> None:
        self.recorded: dict[tuple[str, str], str] = {}
        self._last: dict[tuple[str, str], tuple[object, str]] = {}

    def attempt(self, check: Callable[[Example], None], example: Example) -> None:
        """Check an example; ignore failures that have been recorded."""
        try:
            with watched():
                check(example)
        except Exception as error:
            key = _place(error)
            if key in self.recorded:
                return
            self._last[key] = example, traceback.format_exc()
            raise

    def record_failures(self) -> None:
        """Record the new failures with their last examples, which hypothesis has shrunk."""
        for key, (example, trace) in self._last.items():
            self.recorded[key] = f"{trace}\nEXAMPLE {example!r:.3000}"
        self._last.clear()


def _place(error: BaseException) -> tuple[str, str]:
    """Return the type of an error, and the innermost line of the project in its traceback.

    For an example that took too long, the place where it was stopped.
    """
    frames = traceback.extract_tb((error.__cause__ or error).__traceback__)
    own = [frame for frame in frames if "/creativefilter/" in frame.filename]
    frame = (own or frames)[-1]
    return type(error).__name__, f"{frame.filename}:{frame.lineno}"


def fuzz(examples: SearchStrategy[Example], check: Callable[[Example], None], number: int) -> None:
    """Check ``number`` examples, or rounds of them for ``FUZZ_SECONDS`` if that is set.

    Fail at the end if any example failed.
    """
    failures, done = Failures(), 0
    until = time.monotonic() + SECONDS

    def check_example(example: Example) -> None:
        nonlocal done
        done += 1
        failures.attempt(check, example)

    for round_number in count(SEED):
        test = settings(
            max_examples=ROUND if SECONDS else number,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )(seed(round_number)(given(examples)(check_example)))
        try:
            test()
        except Exception:
            if not failures._last:
                raise
            failures.record_failures()
        if time.monotonic() >= until:
            break
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"FUZZED {done} examples, {len(failures.recorded)} failures, {peak} MB at most")
    if failures.recorded:
        pytest.fail("\n\n".join(failures.recorded.values()))

"""Limits of decoding; after each file no decoder is running and no temporary file is left."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from samples import make_media

from classifier.errors import ErrorCode, MediaError
from classifier.media import SAMPLE_RATE, Limits, decode

ROOT = Path(__file__).resolve().parents[2]
GENEROUS = {"seconds": 1e6, "output_bytes": 8 * 1024**3}
Processes = Callable[[int], list[int]]
pytestmark = pytest.mark.usefixtures("scratch")


def refusal(path: Path, limits: Limits) -> ErrorCode:
    with pytest.raises(MediaError) as caught:
        decode(path, limits)
    return caught.value.code


def endless_sound(path: Path) -> Path:
    """Write a sparse wav of 14 hours of silence: hardly any disk space, but long to decode."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(bytes(8000))
    content = bytearray(path.read_bytes())
    size = 400_000_000
    content[4:8] = (size + 36).to_bytes(4, "little")
    content[40:44] = size.to_bytes(4, "little")
    path.write_bytes(content)
    os.truncate(path, size + 44)
    return path


def test_playing_time_is_limited_while_decoding(tmp_path: Path) -> None:
    limits = Limits(seconds=2.0)
    assert refusal(make_media(tmp_path / "a.wav", 3.0), limits) is ErrorCode.TOO_LONG
    assert refusal(make_media(tmp_path / "v.mp4", 3.0, audio=None), limits) is ErrorCode.TOO_LONG
    assert len(decode(make_media(tmp_path / "b.wav", 2.0), limits).audio) == 2 * SAMPLE_RATE


def test_bytes_pixels_and_output_are_limited(tmp_path: Path) -> None:
    path = make_media(tmp_path / "spot.mp4", 2.0)
    size = path.stat().st_size
    assert refusal(path, Limits(bytes=size - 1)) is ErrorCode.TOO_LARGE
    assert refusal(path, Limits(pixels=320 * 180 - 1)) is ErrorCode.PICTURE_TOO_LARGE
    assert refusal(path, Limits(output_bytes=100_000)) is ErrorCode.OUTPUT_TOO_LARGE
    assert decode(path, Limits(bytes=size, pixels=320 * 180)).frames


@pytest.mark.parametrize(
    ("claimed", "code"),
    [("both", ErrorCode.PICTURE_TOO_LARGE), ("picture", ErrorCode.DAMAGED)],
)
def test_header_that_declares_a_huge_picture_is_refused(
    tmp_path: Path, claimed: str, code: ErrorCode
) -> None:
    """If only the picture itself declares the size, the decoder refuses it and gives no picture."""
    path = make_media(tmp_path / "wall.webm", 1.0, size=(320, 320), audio=None)
    content = path.read_bytes()
    if claimed == "both":  # PixelWidth and PixelHeight of Matroska: 30,000
        for element in (b"\xb0\x82", b"\xba\x82"):
            assert element + b"\x01\x40" in content
            content = content.replace(element + b"\x01\x40", element + b"\x75\x30")
    # Key frames of VP8 (RFC 6386, 9.1) declare 16,383, the largest possible size.
    assert b"\x9d\x01\x2a\x40\x01\x40\x01" in content
    path.write_bytes(content.replace(b"\x2a\x40\x01\x40\x01", b"\x2a\xff\x3f\xff\x3f"))
    assert refusal(path, Limits()) is code


def test_an_endless_ogg_ends_at_the_limit(tmp_path: Path) -> None:
    """Like a radio recording: one stream after the other without a length."""
    path = make_media(tmp_path / "endless.ogg", 2.0, stereo=False)
    path.write_bytes(path.read_bytes() * 40)
    assert refusal(path, Limits(seconds=30.0)) is ErrorCode.TOO_LONG


@pytest.mark.parametrize("table", [b"stsz", b"stsd"])
def test_absurd_table_size_is_damage_not_lack_of_memory(tmp_path: Path, table: bytes) -> None:
    path = make_media(tmp_path / "tables.mp4", 1.0, video=None)
    content = bytearray(path.read_bytes())
    place = content.index(table) + 8
    content[place : place + 8] = (0x1FFFFFFF).to_bytes(4, "big") * 2
    path.write_bytes(content)
    assert refusal(path, Limits()) is ErrorCode.DAMAGED


def test_child_over_its_time_limit_is_stopped(tmp_path: Path) -> None:
    path = endless_sound(tmp_path / "endless.wav")
    assert refusal(path, Limits(cpu_seconds=1, **GENEROUS)) is ErrorCode.TIMED_OUT
    assert refusal(path, Limits(wall_seconds=0.5, **GENEROUS)) is ErrorCode.TIMED_OUT


def test_child_over_its_memory_limit_has_its_own_error_code(tmp_path: Path) -> None:
    path = make_media(tmp_path / "big.webm", 0.12, size=(4000, 4000), audio=None)
    assert decode(path).frames
    limits = Limits(memory_bytes=160 * 1024**2)
    assert refusal(path, limits) is ErrorCode.MEMORY_LIMIT


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGSEGV, ErrorCode.DAMAGED),
        (signal.SIGABRT, ErrorCode.DAMAGED),
        (signal.SIGKILL, ErrorCode.MEMORY_LIMIT),
        (signal.SIGXCPU, ErrorCode.TIMED_OUT),
    ],
)
def test_signal_that_killed_a_decoder_gives_the_error_code(
    tmp_path: Path,
    decoding: Processes,
    children: Processes,
    number: signal.Signals,
    code: ErrorCode,
) -> None:
    decode(make_media(tmp_path / "spot.wav", 0.2))
    before = children(os.getpid())
    with ThreadPoolExecutor() as threads:
        refused = threads.submit(
            refusal, endless_sound(tmp_path / "endless.wav"), Limits(**GENEROUS)
        )
        wait_until(lambda: bool(decoding(os.getpid())))
        [decoder] = decoding(os.getpid())
        os.kill(decoder, number)
        assert refused.result() is code
    assert len(decode(make_media(tmp_path / "next.wav", 0.2)).audio) == 0.2 * SAMPLE_RATE
    assert children(os.getpid()) == before


def test_the_decoder_and_its_parent_die_with_a_killed_worker(
    tmp_path: Path, decoding: Processes, children: Processes
) -> None:
    path = endless_sound(tmp_path / "endless.wav")
    code = (
        "from pathlib import Path; from classifier.media import Limits, decode; "
        f"decode(Path({str(path)!r}), Limits(seconds=1e6, output_bytes=8 * 1024**3))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    worker = subprocess.Popen([sys.executable, "-c", code], env=environment)
    try:
        wait_until(lambda: bool(decoding(worker.pid)))
        process_ids = [*children(worker.pid), *decoding(worker.pid)]
    finally:
        worker.kill()
        worker.wait()
    assert len(process_ids) == 2
    wait_until(lambda: not any(alive(process) for process in process_ids))


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not become true in time"
        time.sleep(0.02)


def test_importing_the_library_loads_no_decoder() -> None:
    code = (
        "import sys, classifier.media, classifier.errors; "
        "print([m for m in ('av', 'numpy', 'PIL', 'django', 'celery') if m in sys.modules])"
    )
    environment = {"PYTHONPATH": str(ROOT)}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert result.stdout.decode().strip() == "[]"


def test_daemonic_process_like_a_celery_worker_can_decode(tmp_path: Path) -> None:
    path = make_media(tmp_path / "spot.wav", 1.0)
    context = multiprocessing.get_context("spawn")
    answers = context.SimpleQueue()
    worker = context.Process(target=_count_samples, args=(path, answers), daemon=True)
    worker.start()
    worker.join(60)
    assert worker.exitcode == 0
    assert answers.get() == SAMPLE_RATE


def _count_samples(path: Path, answers: multiprocessing.queues.SimpleQueue[int]) -> None:
    answers.put(len(decode(path).audio))


def test_interrupted_wait_ends_the_child(tmp_path: Path, decoding: Processes) -> None:
    """Celery's soft time limit is raised as an exception during the wait."""

    class SoftLimitError(Exception):
        pass

    def interrupt(*_: object) -> None:
        raise SoftLimitError

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.8)
    try:
        with pytest.raises(SoftLimitError):
            decode(endless_sound(tmp_path / "endless.wav"), Limits(**GENEROUS))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert decoding(os.getpid()) == []

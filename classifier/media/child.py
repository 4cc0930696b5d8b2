"""The process that opens foreign files, so that no other has to.

Started by ``classifier.media.parent`` with one JSON argument: the descriptor of an open file, a
private folder for the results, the limits. It leaves raw sound, raw pictures and a report there.
It imports no numpy: that would be more than half of its start-up time.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from classifier.errors import ErrorCode, MediaError
from classifier.media import container as containers
from classifier.media.parent import AUDIO_FILE, EXIT_MEMORY, FRAMES_FILE, REPORT_FILE
from classifier.media.tracks import Damage, Pictures, Sound
from classifier.media.types import Limits

if TYPE_CHECKING:
    import av

_PARTIAL_BELOW = 0.95
# Priming, padding and the last packet's length: never a sign of damage.
_SLACK_SECONDS = 0.15
_PR_SET_PDEATHSIG = 1


def decode_stream(file: BinaryIO, folder: Path, limits: Limits) -> dict[str, Any]:
    """Decode an open file into ``folder``; gives the report. Raises ``MediaError``."""
    with (folder / AUDIO_FILE).open("wb") as audio:
        sound, pictures, probe = _walk(file, limits, audio)
        if pictures is not None and not pictures.dense:
            _, pictures, _ = _walk(file, limits, None)
    parts = [part for part in (sound, pictures) if part is not None]
    seconds = max(part.seconds for part in parts)
    damage = Damage(sum(p.damage.packets for p in parts), sum(p.damage.bad for p in parts))
    if seconds == 0:
        code = ErrorCode.DAMAGED if damage.packets else ErrorCode.EMPTY
        raise MediaError(code, f"nothing decoded from {damage.packets} packets")
    frames = pictures.chosen() if pictures is not None else []
    _write_frames(folder / FRAMES_FILE, [frame for _, frame in frames])
    declared = containers.declared(file, probe["container"], probe["declared_seconds"])
    share = min(damage.share, sound.share if sound is not None and sound.seconds else 1.0)
    if declared and seconds < declared - _SLACK_SECONDS:
        share = min(share, seconds / declared)
    probe |= {
        "declared_seconds": declared,
        "decoded_seconds": seconds,
        "bad_packets": damage.bad,
        "share_read": share,
        "partial": damage.bad > 0
        or share < _PARTIAL_BELOW
        or containers.cut_short(file, probe["container"]),
    }
    return {
        "probe": probe,
        "times": [time for time, _ in frames],
        "width": frames[0][1].width if frames else 0,
        "height": frames[0][1].height if frames else 0,
    }


def _walk(
    file: BinaryIO, limits: Limits, audio: BinaryIO | None
) -> tuple[Sound | None, Pictures | None, dict[str, Any]]:
    """One pass over all packets: sound and key frames, or without ``audio`` every picture."""
    container = containers.open_media(file)
    try:
        audio_stream, video_stream = containers.choose(container)
        probe = containers.probe(container, audio_stream, video_stream)
        if video_stream is not None and probe["width"] * probe["height"] > limits.pixels:
            raise MediaError(ErrorCode.TOO_LARGE, f"{probe['width']} x {probe['height']} pixels")
        start = (container.start_time or 0) / 1_000_000
        takers: dict[int, Sound | Pictures] = {}
        sound = pictures = None
        if audio_stream is not None and audio is not None:
            sound = takers[audio_stream.index] = Sound(audio_stream, limits, audio)
        if video_stream is not None:
            pictures = Pictures(video_stream, limits, start, key_frames=audio is not None)
            takers[video_stream.index] = pictures
        streams = [container.streams[index] for index in takers]
        for packet in containers.packets(container, streams, next(iter(takers.values())).damage):
            takers[packet.stream_index].take(packet)
        for taker in takers.values():
            taker.finish()
        return sound, pictures, probe
    finally:
        container.close()


def _write_frames(path: Path, frames: Sequence[av.VideoFrame]) -> None:
    with path.open("wb") as file:
        for frame in frames:
            plane, row = frame.planes[0], frame.width * 3
            pixels = memoryview(plane)
            for top in range(frame.height):
                file.write(pixels[top * plane.line_size : top * plane.line_size + row])


def _confine(limits: Limits, parent: int) -> None:
    """Die with the parent, and before it runs out of anything."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.output_bytes, limits.output_bytes))
    # The soft limit sends SIGXCPU, which tells the parent why; the hard one can't be caught.
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))


def main() -> None:
    """Serve the one request of the command line."""
    request = json.loads(sys.argv[1])
    limits = Limits(**request["limits"])
    _confine(limits, request["parent"])
    import av  # noqa: F401  (before the limit: its own code is not what a file costs)

    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    folder = Path(request["folder"])
    try:
        with os.fdopen(request["descriptor"], "rb", buffering=0) as file:
            report = decode_stream(file, folder, limits)
    except MemoryError:
        os._exit(EXIT_MEMORY)
    except MediaError as error:
        report = {"error": error.code, "detail": error.detail}
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        report = {"error": ErrorCode.TOO_LARGE, "detail": f"output > {limits.output_bytes} bytes"}
    (folder / REPORT_FILE).write_text(json.dumps(report), encoding="utf-8")


if __name__ == "__main__":
    main()

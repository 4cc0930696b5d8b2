"""Decode an open file into sound, pictures and a report, in the calling process.

Only the child process and the decoding benchmark call this, so that PyAV and the file stay out of
every other process. It does not import numpy, which would start threads that do not survive a fork.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from classifier.errors import ErrorCode, MediaError
from classifier.media import container as containers
from classifier.media.pictures import Pictures
from classifier.media.tracks import Damage, Sound
from classifier.media.types import Limits

if TYPE_CHECKING:
    import av

_PARTIAL_BELOW = 0.95
# Encoder priming, padding and the length of the last packet: not a sign of damage.
_SLACK_SECONDS = 0.15


def read_media(file: BinaryIO, audio: BinaryIO, frames: BinaryIO, limits: Limits) -> dict[str, Any]:
    """Decode ``file`` into raw samples and pixels.

    Args:
        file: The media file.
        audio: Receives 16 kHz mono float32 samples.
        frames: Receives RGB pictures, uint8, one after the other, all of the same size.
        limits: Playing time and picture size are checked here, the rest by the process's limits.

    Returns:
        The report: ``probe`` (the fields of ``Probe``), and the pictures' ``times``, ``width`` and
            ``height``.

    Raises:
        MediaError: The file gives neither sound nor pictures, or exceeds a limit.
        MemoryError: The process reached its memory limit.
        OSError: The process reached another limit.
    """
    sound, pictures, probe = _walk(file, limits, audio)
    if pictures is not None and not pictures.dense:
        _, pictures, _ = _walk(file, limits, None)
    parts = [part for part in (sound, pictures) if part is not None]
    seconds = max(part.seconds for part in parts)
    damage = Damage(sum(p.damage.packets for p in parts), sum(p.damage.bad for p in parts))
    declared = containers.declared(file, probe["container"], probe["declared_seconds"])
    if seconds == 0:
        code = ErrorCode.DAMAGED if damage.packets or declared else ErrorCode.EMPTY
        raise MediaError(code, f"nothing decoded from {damage.packets} packets")
    chosen = pictures.chosen() if pictures is not None else []
    _write_frames(frames, [frame for _, frame in chosen])
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
        "times": [time for time, _ in chosen],
        "width": chosen[0][1].width if chosen else 0,
        "height": chosen[0][1].height if chosen else 0,
    }


def _walk(
    file: BinaryIO, limits: Limits, audio: BinaryIO | None
) -> tuple[Sound | None, Pictures | None, dict[str, Any]]:
    """Read all packets once: sound and key frames or, without ``audio``, every picture."""
    container = containers.open_media(file, limits)
    try:
        audio_stream, video_stream = containers.choose(file, container)
        probe = containers.probe(file, container, audio_stream, video_stream)
        if video_stream is not None and probe["width"] * probe["height"] > limits.pixels:
            size = f"{probe['width']} x {probe['height']} pixels"
            raise MediaError(ErrorCode.PICTURE_TOO_LARGE, size)
        start = (container.start_time or 0) / 1_000_000
        decoders: dict[int, Sound | Pictures] = {}
        sound = pictures = None
        if audio_stream is not None and audio is not None:
            sound = decoders[audio_stream.index] = Sound(audio_stream, limits, audio)
        if video_stream is not None:
            pictures = Pictures(video_stream, limits, start, key_frames=audio is not None)
            decoders[video_stream.index] = pictures
        streams = [container.streams[index] for index in decoders]
        for packet in containers.packets(container, streams, next(iter(decoders.values())).damage):
            decoders[packet.stream_index].take(packet)
        for decoder in decoders.values():
            decoder.finish()
        return sound, pictures, probe
    finally:
        container.close()


def _write_frames(file: BinaryIO, frames: Sequence[av.VideoFrame]) -> None:
    for frame in frames:
        plane, row = frame.planes[0], frame.width * 3
        pixels = memoryview(plane)
        if plane.line_size == row:
            file.write(pixels[: row * frame.height])
            continue
        for top in range(frame.height):
            file.write(pixels[top * plane.line_size : top * plane.line_size + row])

"""Limits for decoding, and the decoded creative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAMPLE_RATE = 16_000
MAX_FRAMES = 16
MAX_WIDTH = 640
# Upright 9:16 videos fit whole. Without this limit a picture of 1 x 1,000,000 would pass as narrow.
MAX_HEIGHT = 1280


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for one file. A file that exceeds one of them ends with a ``MediaError``.

    Attributes:
        seconds: Playing time.
        bytes: Size of the file.
        pixels: Width times height of one picture.
        cpu_seconds: CPU time of the process that decodes the file.
        wall_seconds: Wall-clock time.
        memory_bytes: Address space of the process.
        output_bytes: Size of the sound, and of the pictures, that the process returns. Both are
            held in memory.
    """

    seconds: float = 600.0
    bytes: int = 512 * 1024**2
    pixels: int = 4096 * 4096
    cpu_seconds: int = 120
    wall_seconds: float = 240.0
    memory_bytes: int = 2 * 1024**3
    output_bytes: int = 256 * 1024**2


@dataclass(frozen=True, slots=True)
class Probe:
    """What a file declares about itself, and what could be read from it.

    Attributes:
        container: FFmpeg's name of the format, such as "mp4".
        declared_seconds: Length that the container declares.
        decoded_seconds: Length that could be read, the longer of sound and pictures.
        partial: ``share_read`` is under 95 %, a packet was bad or the end of an ogg file is
            missing.
        share_read: Usable share of the file, 0 to 1.
        bad_packets: Packets that are corrupt or that the demuxer or decoder refused.
        channels: Channels of the audio stream.
        streams: All streams of the container, such as "video: h264"; the first 16.
    """

    container: str
    declared_seconds: float | None
    decoded_seconds: float
    audio_codec: str | None
    video_codec: str | None
    sample_rate: int | None
    width: int | None
    height: int | None
    fps: float | None
    partial: bool
    share_read: float
    bad_packets: int
    channels: int | None = None
    streams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A picture with its time: ``image`` is RGB, uint8, (height, width, 3), at most 640 x 1280."""

    seconds: float
    image: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Media:
    """A decoded creative.

    Attributes:
        audio: float32 mono at ``SAMPLE_RATE``, (samples,), within -1 to 1; empty without an audio
            stream.
        frames: Up to 16 pictures in time order, spread evenly; none without a video stream.
    """

    audio: NDArray[np.float32]
    frames: tuple[Frame, ...]
    probe: Probe

"""What goes in and what comes out: limits, and a decoded creative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAMPLE_RATE = 16_000
MAX_FRAMES = 16
MAX_WIDTH = 640
# Portraits of 9:16 fit whole; without a bound a 1 x 1,000,000 picture would be "640 wide".
MAX_HEIGHT = 1280


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost. A file beyond any of them ends in a ``MediaError`` of its own.

    ``seconds`` of playing time, ``bytes`` of the file, ``pixels`` of one picture,
    ``cpu_seconds`` and ``wall_seconds`` of work, ``memory_bytes`` of address space of the child,
    ``output_bytes`` for the sound and for the pictures it hands back, which are in memory.
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
    """What a file said it was, and what was really read.

    ``declared_seconds`` is what the container claims, ``decoded_seconds`` the longer of the
    sound and the picture that came out. ``share_read`` (0 to 1) is how much of the file was
    usable; ``partial`` is set when that is under 95 % or any packet was bad. ``bad_packets``
    counts packets that were corrupt or refused by demuxer or decoder. ``streams`` names all that
    the container holds, such as "video: h264", the first 16.
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
    """A picture and its moment: ``image`` is uint8 RGB, (height, width, 3), at most 640 wide."""

    seconds: float
    image: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Media:
    """A decoded creative.

    ``audio`` is float32 mono at ``SAMPLE_RATE``, (samples,), within -1 to 1, empty without a
    sound track; ``frames`` are up to 16 pictures spread evenly in time order, none without video.
    """

    audio: NDArray[np.float32]
    frames: tuple[Frame, ...]
    probe: Probe

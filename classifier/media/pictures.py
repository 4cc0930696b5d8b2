"""The video stream: pictures that are selected while it is decoded."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from classifier.errors import ErrorCode, MediaError
from classifier.media.scenes import choose
from classifier.media.tracks import MAX_PAUSE, Damage, decoded, frame_rate
from classifier.media.types import MAX_FRAMES, MAX_HEIGHT, MAX_WIDTH, Limits

if TYPE_CHECKING:
    import av

_CANDIDATE_STEP = 0.5
_MAX_CANDIDATES = 64
# Key frames are enough if the gaps between them are no longer than between this many evenly spread
# pictures.
_MIN_KEY_FRAMES = 8
# Limit of the packets kept after a key frame, bytes. Four seconds at 60 Mbit/s need less.
_MAX_TAIL = 32 * 1024**2
_THUMBNAIL = 16  # pixels


class Pictures:
    """Keeps scaled-down candidate pictures of one video stream, every half second, at most 64.

    If there are more, every second one is dropped and the step is doubled.

    Args:
        start: Time stamp at which the container begins, seconds.
        key_frames: Decode key frames only, and the packets after the last one at the end.
    """

    def __init__(
        self, stream: av.VideoStream, limits: Limits, start: float, key_frames: bool
    ) -> None:
        from av.video.reformatter import VideoReformatter

        self._codec = stream.codec_context
        self._codec.thread_count = 1
        # The second check against huge pictures; the first one is the size in the header.
        self._codec.options = {"max_pixels": str(limits.pixels)}
        self._scaler = VideoReformatter()
        self._limits = limits
        self._start = start
        self._key_frames = key_frames
        self._frame_seconds = 1.0 / frame_rate(stream)
        self._last_dts: float | None = None
        self._step = _CANDIDATE_STEP
        self._size: tuple[int, int] | None = None
        self._candidates: list[tuple[float, av.VideoFrame]] = []
        self._latest: tuple[float, av.VideoFrame] | None = None
        self._tail: list[av.Packet[Any]] = []
        self._tail_bytes = 0
        self._key_clock = 0.0
        self._clock = 0.0
        self.damage = Damage()

    @property
    def seconds(self) -> float:
        """Length of the stream that was read, 0 if it gave no picture."""
        return self._clock if self._candidates else 0.0

    @property
    def dense(self) -> bool:
        """Whether the gaps between candidates are as short as those of eight even pictures."""
        times = [0.0, *(seconds for seconds, _ in self._candidates), self._clock]
        gap = max(later - earlier for earlier, later in pairwise(times))
        return bool(self._candidates) and gap <= self._max_gap

    @property
    def _max_gap(self) -> float:
        return 1.05 * self._clock / _MIN_KEY_FRAMES

    def chosen(self) -> list[tuple[float, av.VideoFrame]]:
        """Return the selected pictures, at most ``MAX_FRAMES``, each with its time in seconds."""
        candidates = self._candidates
        if self._latest is not None and self._latest[0] > candidates[-1][0]:
            candidates = [*candidates, self._latest]
        thumbnails = [self._thumbnail(frame) for _, frame in candidates]
        places = choose([seconds for seconds, _ in candidates], thumbnails, MAX_FRAMES)
        return [candidates[place] for place in places]

    def take(self, packet: av.Packet[Any]) -> None:
        """Decode one packet, or keep it for ``finish`` where only key frames are decoded."""
        self._advance(packet)
        if not self._key_frames:
            self._decode(packet, self.damage)
        elif packet.is_keyframe:
            self._tail, self._tail_bytes, self._key_clock = [], 0, self._clock
            self._decode(packet, self.damage)
        else:
            self.damage.packets += 1
            self.damage.bad += packet.is_corrupt
            self._tail_bytes += packet.size
            if self._tail_bytes <= _MAX_TAIL:
                self._tail.append(packet)

    def finish(self) -> None:
        """Decode the packets after the last key frame if they last briefly; flush the decoder."""
        # The end card may begin after the last key frame.
        if self._clock - self._key_clock <= self._max_gap:
            for packet in self._tail:
                # These packets are counted already. Errors are expected: pictures that are shown
                # before the key frame refer to packets that were not decoded.
                self._decode(packet, Damage())
        self._decode(None, self.damage)

    def _decode(self, packet: av.Packet[Any] | None, damage: Damage) -> None:
        for frame in decoded(self._codec, packet, damage, self._limits):
            self._add_candidate(frame)

    def _advance(self, packet: av.Packet[Any]) -> None:
        """Move the clock by the packet's time step, also backwards: one time stamp may be wrong."""
        dts = None if packet.dts is None else float(packet.dts * packet.time_base)
        step = self._frame_seconds
        if dts is not None and self._last_dts is not None:
            jump = dts - self._last_dts
            step = jump if abs(jump) <= MAX_PAUSE else step
        self._last_dts = dts
        self._clock += step
        if self._clock > self._limits.seconds:
            raise MediaError(ErrorCode.TOO_LONG, f"{self._clock:.1f} s of video")

    def _add_candidate(self, frame: av.VideoFrame) -> None:
        if frame.width * frame.height > self._limits.pixels:
            raise MediaError(ErrorCode.PICTURE_TOO_LARGE, f"{frame.width} x {frame.height} pixels")
        seconds = self._clock if frame.time is None else frame.time - self._start
        if not -1.0 <= seconds <= self._clock + MAX_PAUSE:
            seconds = self._clock
        latest = self._latest
        if latest is not None and seconds < latest[0] + _CANDIDATE_STEP:
            return
        self._size = self._size or _scaled_size(frame.width, frame.height)
        self._latest = (max(0.0, seconds), self._scaled(frame, *self._size))
        if self._candidates and seconds < self._candidates[-1][0] + self._step:
            return
        self._candidates.append(self._latest)
        if len(self._candidates) > _MAX_CANDIDATES:
            self._candidates = self._candidates[::2]
            self._step *= 2

    def _scaled(self, frame: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
        return self._scaler.reformat(
            frame, width=width, height=height, format="rgb24", interpolation="AREA", threads=1
        )

    def _thumbnail(self, frame: av.VideoFrame) -> bytes:
        small = self._scaled(frame, _THUMBNAIL, _THUMBNAIL)
        line, row = small.planes[0].line_size, 3 * _THUMBNAIL
        pixels = bytes(small.planes[0])
        return b"".join(pixels[top * line : top * line + row] for top in range(_THUMBNAIL))


def _scaled_size(width: int, height: int) -> tuple[int, int]:
    scale = min(1.0, MAX_WIDTH / width, MAX_HEIGHT / height)
    return max(1, round(width * scale)), max(1, round(height * scale))

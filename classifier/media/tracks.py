"""One sound track, one picture track: what is kept of each while it is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, BinaryIO

from classifier.errors import ErrorCode, MediaError
from classifier.media.types import MAX_FRAMES, MAX_HEIGHT, MAX_WIDTH, SAMPLE_RATE, Limits

if TYPE_CHECKING:
    import av

_CANDIDATE_STEP = 0.5
_MAX_CANDIDATES = 64
# Key frames alone are enough where they lie as close as this many evenly spread pictures would.
_ENOUGH_KEY_FRAMES = 8
# A leap of the clock beyond this is a damaged time stamp, not a pause between two pictures.
_MAX_PAUSE = 10.0
# Rounded time stamps and priming make gaps shorter than this in healthy files.
_MIN_GAP = 0.1


@dataclass(slots=True)
class Damage:
    packets: int = 0
    bad: int = 0

    @property
    def share(self) -> float:
        return 1.0 - min(self.bad, self.packets) / self.packets if self.packets else 0.0


class Sound:
    """Writes one stream as 16 kHz mono float32 while it is decoded."""

    def __init__(self, stream: av.AudioStream, limits: Limits, file: BinaryIO) -> None:
        self._codec = stream.codec_context
        self._codec.thread_count = 1
        self._most = int(limits.seconds * SAMPLE_RATE)
        self._file = file
        self._resampler: av.AudioResampler | None = None
        self._shape: tuple[object, ...] = ()
        self._samples = 0
        self._silent = 0
        self._expected: float | None = None
        self._gap = 0.0
        self.damage = Damage()

    @property
    def seconds(self) -> float:
        """How much was decoded, without the silence that stands for what is missing."""
        return (self._samples - self._silent) / SAMPLE_RATE

    @property
    def share(self) -> float:
        """How much of the stretch between first and last packet was there."""
        return 1.0 - self._silent / self._samples if self._samples else 0.0

    def take(self, packet: av.Packet[Any]) -> None:
        self._bridge(packet)
        for frame in decoded(self._codec, packet, self.damage):
            shape = (frame.format.name, frame.layout.name, frame.sample_rate)
            if shape != self._shape:
                self._renew(shape)
            self._write(frame)

    def finish(self) -> None:
        for frame in decoded(self._codec, None, self.damage):
            self._write(frame)
        self._write(None)

    def _bridge(self, packet: av.Packet[Any]) -> None:
        """Put silence where packets are missing, so that later speech keeps its moment.

        A leap counts once the next packet goes on from there: a single mad stamp does not.
        """
        if packet.pts is None or not packet.duration:
            self._expected = None
            return
        begin = float(packet.pts * packet.time_base)
        if self._expected is not None:
            leap = begin - self._expected
            if self._gap and abs(leap) <= _MIN_GAP:
                self._rest(round(self._gap * SAMPLE_RATE))
            self._gap = leap if _MIN_GAP < leap <= _MAX_PAUSE else 0.0
        self._expected = begin + float(packet.duration * packet.time_base)

    def _rest(self, samples: int) -> None:
        self._file.write(bytes(samples * 4))
        self._samples += samples
        self._silent += samples

    def _renew(self, shape: tuple[object, ...]) -> None:
        """Damaged and spliced files change rate or layout half-way."""
        import av

        self._write(None)
        # Without a maximum the mix of two equal channels is 3 dB louder than either, and clips.
        self._resampler = av.AudioResampler(
            format="flt", layout="mono", rate=SAMPLE_RATE, options={"rematrix_maxval": "1.0"}
        )
        self._shape = shape

    def _write(self, frame: av.AudioFrame | None) -> None:
        if self._resampler is None:
            return
        try:
            parts = self._resampler.resample(frame)
        except (MemoryError, MediaError):
            raise
        except Exception:
            self.damage.bad += 1
            self._shape = ()
            self._resampler = None
            return
        for part in parts:
            # The plane is padded beyond its samples.
            self._file.write(memoryview(part.planes[0])[: part.samples * 4])
            self._samples += part.samples
        if self._samples > self._most:
            raise MediaError(ErrorCode.TOO_LONG, f"more than {self._most} samples of sound")


class Pictures:
    """Keeps a candidate for every half second of one video stream, scaled down at once."""

    def __init__(
        self, stream: av.VideoStream, limits: Limits, start: float, key_frames: bool
    ) -> None:
        from av.video.reformatter import VideoReformatter

        self._codec = stream.codec_context
        self._codec.thread_count = 1
        # The second guard against huge pictures; the first one is the size in the header.
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
        self._clock = 0.0
        self.damage = Damage()

    @property
    def seconds(self) -> float:
        """How far the stream was read, 0 if no picture came out."""
        return self._clock if self._candidates else 0.0

    @property
    def dense(self) -> bool:
        """Whether the candidates lie as close as eight evenly spread pictures."""
        times = [0.0, *(seconds for seconds, _ in self._candidates), self._clock]
        gap = max(later - earlier for earlier, later in pairwise(times))
        return bool(self._candidates) and gap <= 1.05 * self._clock / _ENOUGH_KEY_FRAMES

    def chosen(self) -> list[tuple[float, av.VideoFrame]]:
        found, most = self._candidates, MAX_FRAMES
        if len(found) <= most:
            return found
        return [found[round(index * (len(found) - 1) / (most - 1))] for index in range(most)]

    def take(self, packet: av.Packet[Any]) -> None:
        self._advance(packet)
        if self._key_frames and not packet.is_keyframe:
            self.damage.packets += 1
            self.damage.bad += packet.is_corrupt
            return
        for frame in decoded(self._codec, packet, self.damage):
            self._keep(frame)

    def finish(self) -> None:
        for frame in decoded(self._codec, None, self.damage):
            self._keep(frame)

    def _advance(self, packet: av.Packet[Any]) -> None:
        """Move the clock by the packet's step; back again too, for one stamp may be mad."""
        dts = None if packet.dts is None else float(packet.dts * packet.time_base)
        step = self._frame_seconds
        if dts is not None and self._last_dts is not None:
            leap = dts - self._last_dts
            step = leap if abs(leap) <= _MAX_PAUSE else step
        self._last_dts = dts
        self._clock += step
        if self._clock > self._limits.seconds:
            raise MediaError(ErrorCode.TOO_LONG, f"{self._clock:.1f} s of video")

    def _keep(self, frame: av.VideoFrame) -> None:
        if frame.width * frame.height > self._limits.pixels:
            raise MediaError(ErrorCode.TOO_LARGE, f"{frame.width} x {frame.height} pixels")
        seconds = self._clock if frame.time is None else frame.time - self._start
        if not -1.0 <= seconds <= self._clock + _MAX_PAUSE:
            seconds = self._clock
        if self._candidates and seconds < self._candidates[-1][0] + self._step:
            return
        self._size = self._size or _fitting(frame.width, frame.height)
        width, height = self._size
        scaled = self._scaler.reformat(
            frame, width=width, height=height, format="rgb24", interpolation="AREA", threads=1
        )
        self._candidates.append((max(0.0, seconds), scaled))
        if len(self._candidates) > _MAX_CANDIDATES:
            self._candidates = self._candidates[::2]
            self._step *= 2


def decoded(codec: Any, packet: av.Packet[Any] | None, damage: Damage) -> list[Any]:
    """The frames of a packet (of the decoder's rest for ``None``), none if it is refused."""
    if packet is not None:
        damage.packets += 1
    try:
        frames = list(codec.decode(packet))
    except MemoryError:
        raise
    except Exception:
        damage.bad += packet is not None
        return []
    if packet is not None and (packet.is_corrupt or any(frame.is_corrupt for frame in frames)):
        damage.bad += 1
    return frames


def frame_rate(stream: av.VideoStream) -> float:
    rate = float(stream.average_rate or stream.guessed_rate or 0)
    return rate if 0.05 <= rate <= 1000 else 25.0


def _fitting(width: int, height: int) -> tuple[int, int]:
    scale = min(1.0, MAX_WIDTH / width, MAX_HEIGHT / height)
    return max(1, round(width * scale)), max(1, round(height * scale))

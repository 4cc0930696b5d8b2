"""The sound track, and what it shares with the picture track."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from classifier.errors import ErrorCode, MediaError
from classifier.media.memory import exhausted
from classifier.media.types import SAMPLE_RATE, Limits

if TYPE_CHECKING:
    import av

# A leap of the clock beyond this is a damaged time stamp, not a pause between two pictures.
MAX_PAUSE = 10.0
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
        self._limits = limits
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
        for frame in decoded(self._codec, packet, self.damage, self._limits):
            shape = (frame.format.name, frame.layout.name, frame.sample_rate)
            if shape != self._shape:
                self._renew(shape)
            self._write(frame)

    def finish(self) -> None:
        for frame in decoded(self._codec, None, self.damage, self._limits):
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
            self._gap = leap if _MIN_GAP < leap <= MAX_PAUSE else 0.0
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
        except Exception as error:
            if isinstance(error, MemoryError) and exhausted(self._limits):
                raise
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


def decoded(codec: Any, packet: av.Packet[Any] | None, damage: Damage, limits: Limits) -> list[Any]:
    """The frames of a packet (of the decoder's rest for ``None``), none if it is refused."""
    if packet is not None:
        damage.packets += 1
    try:
        frames = list(codec.decode(packet))
    except Exception as error:
        if isinstance(error, MemoryError) and exhausted(limits):
            raise
        damage.bad += packet is not None
        return []
    if packet is not None and (packet.is_corrupt or any(frame.is_corrupt for frame in frames)):
        damage.bad += 1
    return frames


def frame_rate(stream: av.VideoStream) -> float:
    rate = float(stream.average_rate or stream.guessed_rate or 0)
    return rate if 0.05 <= rate <= 1000 else 25.0

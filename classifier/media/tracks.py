"""The audio stream, and what decoding it shares with decoding the video stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from classifier.errors import ErrorCode, MediaError
from classifier.media.memory import exhausted
from classifier.media.types import SAMPLE_RATE, Limits

if TYPE_CHECKING:
    import av

# A jump of the time stamps beyond this is damage, not a pause between two pictures. Seconds.
MAX_PAUSE = 10.0
# Rounded time stamps and encoder priming cause shorter gaps than this in healthy files. Seconds.
_MIN_GAP = 0.1


@dataclass(slots=True)
class Damage:
    """Number of ``packets`` of a stream, and how many of them are corrupt or refused (``bad``)."""

    packets: int = 0
    bad: int = 0

    @property
    def share(self) -> float:
        """Share of packets without errors, 0 to 1; 0 if there are none."""
        return 1.0 - min(self.bad, self.packets) / self.packets if self.packets else 0.0


class Sound:
    """Writes one audio stream to a file as 16 kHz mono float32 while it is decoded."""

    def __init__(self, stream: av.AudioStream, limits: Limits, file: BinaryIO) -> None:
        self._codec = stream.codec_context
        self._codec.thread_count = 1
        self._limits = limits
        self._max_samples = int(limits.seconds * SAMPLE_RATE)
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
        """Length of what was decoded, without the silence that was inserted for missing packets."""
        return (self._samples - self._silent) / SAMPLE_RATE

    @property
    def share(self) -> float:
        """Share of the time between the first and the last packet that was not missing, 0 to 1."""
        return 1.0 - self._silent / self._samples if self._samples else 0.0

    def take(self, packet: av.Packet[Any]) -> None:
        """Decode one packet and write its samples."""
        self._fill_gap(packet)
        for frame in decoded(self._codec, packet, self.damage, self._limits):
            shape = (frame.format.name, frame.layout.name, frame.sample_rate)
            if shape != self._shape:
                self._reset_resampler(shape)
            self._write(frame)

    def finish(self) -> None:
        """Flush the decoder and the resampler."""
        for frame in decoded(self._codec, None, self.damage, self._limits):
            self._write(frame)
        self._write(None)

    def _fill_gap(self, packet: av.Packet[Any]) -> None:
        """Insert silence for missing packets, so that later speech keeps its time.

        A jump of the time stamps counts only if the next packet continues from there: a single time
        stamp may be wrong.
        """
        if packet.pts is None or not packet.duration:
            self._expected = None
            return
        start = float(packet.pts * packet.time_base)
        if self._expected is not None:
            jump = start - self._expected
            if self._gap and abs(jump) <= _MIN_GAP:
                self._write_silence(round(self._gap * SAMPLE_RATE))
            self._gap = jump if _MIN_GAP < jump <= MAX_PAUSE else 0.0
        self._expected = start + float(packet.duration * packet.time_base)

    def _write_silence(self, samples: int) -> None:
        self._file.write(bytes(samples * 4))
        self._samples += samples
        self._silent += samples

    def _reset_resampler(self, shape: tuple[object, ...]) -> None:
        """Start a new resampler: damaged and spliced files change rate or layout half-way."""
        import av

        self._write(None)
        # Without a maximum, the mix of two equal channels is 3 dB louder than either and clips.
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
            # The plane has padding after its samples.
            self._file.write(memoryview(part.planes[0])[: part.samples * 4])
            self._samples += part.samples
        if self._samples > self._max_samples:
            raise MediaError(ErrorCode.TOO_LONG, f"more than {self._max_samples} samples of sound")


def decoded(codec: Any, packet: av.Packet[Any] | None, damage: Damage, limits: Limits) -> list[Any]:
    """Return the frames of a packet (for ``None``: of the decoder's buffer), none after an error.

    Errors are counted in ``damage``.

    Raises:
        MemoryError: The process reached its memory limit.
    """
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
    """Return the frames per second of a stream, 25 if the file declares none or an absurd one."""
    rate = float(stream.average_rate or stream.guessed_rate or 0)
    return rate if 0.05 <= rate <= 1000 else 25.0

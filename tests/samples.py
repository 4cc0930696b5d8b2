"""Small media files written with PyAV: known tones, known colours, known length.

The sound is a sine of ``TONE`` Hz. The picture has one plain colour per second, in the order of
``COLOURS``, so that a test can find out from which second a frame is.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

TONE = 440.0
FPS = 25
COLOURS: tuple[tuple[int, int, int], ...] = (
    (230, 30, 30),
    (30, 200, 30),
    (40, 40, 230),
    (230, 220, 30),
    (220, 40, 220),
    (30, 210, 210),
)
# Extension → (muxer, video codec, audio codec). The muxer decides the real format.
CONTAINERS: dict[str, tuple[str, str | None, str | None]] = {
    "wav": ("wav", None, "pcm_s16le"),
    "mp3": ("mp3", None, "libmp3lame"),
    "ogg": ("ogg", None, "libopus"),
    "mp4": ("mp4", "libx264", "aac"),
    "avi": ("avi", "mpeg4", "libmp3lame"),
    "flv": ("flv", "flv", "libmp3lame"),
    "webm": ("webm", "libvpx", "libopus"),
    "wbm": ("webm", "libvpx-vp9", "libopus"),
    "m4a": ("ipod", None, "aac"),
    "flac": ("flac", None, "flac"),
    "mov": ("mov", "libx264", "aac"),
    "mkv": ("matroska", "libx264", "aac"),
    "mpg": ("mpeg", "mpeg2video", "mp2"),
}
_OPTIONS: dict[str, dict[str, str]] = {
    "libx264": {"preset": "ultrafast"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:pools=none:frame-threads=1"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
}


def tone(seconds: float, rate: int, hertz: float = TONE) -> NDArray[np.float32]:
    """Return a sine at half of full scale, float32, (samples,)."""
    time = np.arange(round(seconds * rate), dtype=np.float64) / rate
    return (0.5 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def picture(second: float, width: int = 320, height: int = 180) -> NDArray[np.uint8]:
    """Return the picture at a time: one plain colour, uint8, (height, width, 3) RGB."""
    colour = COLOURS[int(second) % len(COLOURS)]
    return np.full((height, width, 3), colour, dtype=np.uint8)


def make_media(
    path: Path,
    seconds: float = 6.0,
    *,
    kind: str | None = None,
    video: str | None = "",
    audio: str | None = "",
    rate: int = 48_000,
    stereo: bool = True,
    size: tuple[int, int] = (320, 180),
    gop: int = 250,
    options: dict[str, str] | None = None,
) -> Path:
    """Write a media file and return its path.

    Args:
        path: The file.
        seconds: Length.
        kind: A key of ``CONTAINERS``; by default the extension of ``path``.
        video: Video codec; "" for the container's usual one, None for no video.
        audio: Audio codec; "" for the container's usual one, None for no sound.
        rate: Sample rate in Hz.
        stereo: Two channels instead of one.
        size: Width and height in pixels.
        gop: Distance of key frames, in frames.
        options: Options of the muxer.
    """
    muxer, usual_video, usual_audio = CONTAINERS[kind or path.suffix.lstrip(".").lower()]
    video = usual_video if video == "" else video
    audio = usual_audio if audio == "" else audio
    with av.open(str(path), "w", format=muxer, options=options or {}) as out:
        picture_stream = _video_stream(out, video, size, gop) if video else None
        sound_stream = _audio_stream(out, audio, rate, stereo) if audio else None
        samples = tone(seconds, rate)
        for second in range(int(np.ceil(seconds))):
            length = min(1.0, seconds - second)
            if picture_stream is not None:
                _write_pictures(out, picture_stream, second, length, size)
            if sound_stream is not None:
                part = samples[second * rate : round((second + length) * rate)]
                _write_sound(out, sound_stream, part, second * rate, rate, stereo)
        for stream in (picture_stream, sound_stream):
            if stream is not None:
                out.mux(stream.encode(None))
    return path


def _video_stream(
    out: av.container.OutputContainer, codec: str, size: tuple[int, int], gop: int
) -> av.VideoStream:
    stream = out.add_stream(codec, rate=FPS, options=dict(_OPTIONS.get(codec, {})))
    assert isinstance(stream, av.VideoStream)
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    stream.gop_size = gop
    stream.codec_context.thread_count = 1
    return stream


def _audio_stream(
    out: av.container.OutputContainer, codec: str, rate: int, stereo: bool
) -> av.AudioStream:
    options = {"strict": "experimental"} if codec == "vorbis" else {}
    stream = out.add_stream(codec, rate=rate, options=options)
    assert isinstance(stream, av.AudioStream)
    stream.layout = "stereo" if stereo else "mono"
    return stream


def _write_pictures(
    out: av.container.OutputContainer,
    stream: av.VideoStream,
    second: int,
    length: float,
    size: tuple[int, int],
) -> None:
    image = picture(second, *size)
    for number in range(round(length * FPS)):
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts = second * FPS + number
        frame.time_base = Fraction(1, FPS)
        out.mux(stream.encode(frame))


def _write_sound(
    out: av.container.OutputContainer,
    stream: av.AudioStream,
    part: NDArray[np.float32],
    start: int,
    rate: int,
    stereo: bool,
) -> None:
    planes = np.stack([part, part] if stereo else [part])
    frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout="stereo" if stereo else "mono")
    frame.sample_rate = rate
    frame.pts = start
    frame.time_base = Fraction(1, rate)
    out.mux(stream.encode(frame))

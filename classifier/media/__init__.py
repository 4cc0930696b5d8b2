"""Decode creatives into 16 kHz mono sound and up to 16 pictures, or raise a ``MediaError``.

``decode`` is the entry point. A child process reads the file under resource limits and returns
plain arrays. Importing this package loads neither PyAV nor numpy.
"""

from classifier.media.extensions import looks_like
from classifier.media.parent import decode
from classifier.media.types import (
    MAX_FRAMES,
    MAX_HEIGHT,
    MAX_WIDTH,
    SAMPLE_RATE,
    Frame,
    Limits,
    Media,
    Probe,
)
from classifier.media.wav_and_jpeg import encode_jpeg, read_jpeg, read_wav, write_wav

__all__ = [
    "MAX_FRAMES",
    "MAX_HEIGHT",
    "MAX_WIDTH",
    "SAMPLE_RATE",
    "Frame",
    "Limits",
    "Media",
    "Probe",
    "decode",
    "encode_jpeg",
    "looks_like",
    "read_jpeg",
    "read_wav",
    "write_wav",
]

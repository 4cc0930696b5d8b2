"""Creatives become 16 kHz mono sound and a handful of pictures, or a named error.

``decode`` is the way in. A child process reads the file under limits and hands numbers back;
importing this package loads neither PyAV nor numpy.
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

"""Sound and pictures stored as wav and JPEG, which every browser can show (unlike avi or flv).

These functions run in the worker's process: they read only what this program wrote, no uploads.
"""

from __future__ import annotations

import wave
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.media.types import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def write_wav(path: Path, audio: NDArray[np.float32]) -> None:
    """Write ``audio``, float32 (samples,) within -1 to 1, as 16-bit PCM, mono, 16 kHz."""
    import numpy as np

    samples = np.rint(np.clip(audio, -1.0, 1.0) * 32767.0).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.tobytes())


def read_wav(path: Path) -> NDArray[np.float32]:
    """Read a file written by ``write_wav``, as float32 (samples,).

    Raises:
        ValueError: The file is no wav, or one of another rate or layout.
        OSError: The file can't be read.
    """
    import numpy as np

    try:
        with wave.open(str(path), "rb") as file:
            shape = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            if shape != (1, 2, SAMPLE_RATE):
                raise ValueError(f"{path}: not mono, 16 bits, {SAMPLE_RATE} Hz but {shape}")
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    except (wave.Error, EOFError) as error:
        raise ValueError(f"{path}: {error}") from error
    return samples.astype(np.float32) / np.float32(32767.0)


def encode_jpeg(image: NDArray[np.uint8], quality: int = 85) -> bytes:
    """Return an RGB picture, uint8 (height, width, 3), as JPEG. ``quality``: 1 to 95."""
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def read_jpeg(path: Path) -> NDArray[np.uint8]:
    """Read an RGB picture, uint8 (height, width, 3).

    Raises:
        OSError: The file can't be read.
    """
    import numpy as np
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))

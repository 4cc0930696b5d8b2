"""Our own arrays as files that every browser shows, for avi, flv and ogv do not play there.

These run in the worker's process: they write and read what we made, never what was uploaded.
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
    """Write (samples,) float32 within -1 to 1 as 16-bit PCM, mono, 16 kHz."""
    import numpy as np

    samples = np.rint(np.clip(audio, -1.0, 1.0) * 32767.0).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.tobytes())


def read_wav(path: Path) -> NDArray[np.float32]:
    """Read back what ``write_wav`` wrote, as float32 (samples,).

    Raises ``ValueError`` for any other kind of wav, ``OSError`` for one that can't be read.
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
    """A JPEG of an RGB picture, uint8 (height, width, 3); ``quality`` as Pillow counts it."""
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def read_jpeg(path: Path) -> NDArray[np.uint8]:
    """An RGB picture, uint8 (height, width, 3). Raises ``OSError`` for one that can't be read."""
    import numpy as np
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))

"""The working copies that the decoder child made of a media version: sound and frames.

One folder per media version, written aside and renamed, so that it is whole or absent. The sound
is also what the page plays where a browser can't play the original (avi, flv, ogv).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from classifier.media import Frame, Media

AUDIO = "audio.wav"


def folder(media_id: int) -> Path:
    return Path(settings.DERIVED_ROOT) / f"{media_id % 1000:03d}" / str(media_id)


def write(media_id: int, decoded: Media) -> list[dict[str, object]]:
    """Stores sound and frames; returns ``[{"seconds": s, "file": name}, …]`` of the frames."""
    from classifier.media import encode_jpeg, write_wav

    final = folder(media_id)
    final.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".new-", dir=final.parent))
    try:
        write_wav(aside / AUDIO, decoded.audio)
        frames: list[dict[str, object]] = []
        for number, frame in enumerate(decoded.frames):
            name = f"frame-{number:02d}.jpg"
            (aside / name).write_bytes(encode_jpeg(frame.image))
            frames.append({"seconds": round(frame.seconds, 3), "file": name})
        shutil.rmtree(final, ignore_errors=True)
        aside.rename(final)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return frames


def audio(media_id: int) -> NDArray[np.float32]:
    """16 kHz mono float32 samples; raises ``FileNotFoundError`` if it was never decoded."""
    from classifier.media import read_wav

    return read_wav(folder(media_id) / AUDIO)


def frames(media_id: int, probe: Mapping[str, Any]) -> list[Frame]:
    """The stored frames in time order, as ``MediaVersion.probe`` lists them.

    Raises ``OSError`` if one of them is gone.
    """
    from classifier.media import Frame, read_jpeg

    return [
        Frame(frame["seconds"], read_jpeg(folder(media_id) / frame["file"]))
        for frame in probe.get("frames", [])
    ]


def remove(media_id: int) -> None:
    shutil.rmtree(folder(media_id), ignore_errors=True)

"""The working copies that the decoder child made of a media version: sound and frames.

One folder per media version, written aside and renamed, so that it is whole or absent. The sound
is also what the page plays where a browser can't play the original (avi, flv, ogv).
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from classifier.media import Frame, Media

AUDIO = "audio.wav"
# Folders that are being filled; a killed process leaves them (``orphans``).
ASIDE = ".new-"


def folder(media_id: int) -> Path:
    return Path(settings.DERIVED_ROOT) / f"{media_id % 1000:03d}" / str(media_id)


def write(media_id: int, decoded: Media) -> list[dict[str, object]]:
    """Stores sound and frames; returns ``[{"seconds": s, "file": name}, …]`` of the frames."""
    from classifier.media import encode_jpeg, write_wav

    with _aside(media_id) as aside:
        write_wav(aside / AUDIO, decoded.audio)
        frames: list[dict[str, object]] = []
        for number, frame in enumerate(decoded.frames):
            name = f"frame-{number:02d}.jpg"
            (aside / name).write_bytes(encode_jpeg(frame.image))
            frames.append({"seconds": round(frame.seconds, 3), "file": name})
    return frames


def share(source_id: int, media_id: int) -> None:
    """Gives another media version the same working copies; none of them lies there twice.

    Each folder may be removed without the other. Raises ``OSError`` if the source has none.
    """
    with _aside(media_id) as aside:
        for path in folder(source_id).iterdir():
            os.link(path, aside / path.name)


@contextmanager
def _aside(media_id: int) -> Iterator[Path]:
    """A folder to fill, which then takes the place of the media version's own."""
    final = folder(media_id)
    final.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=ASIDE, dir=final.parent))
    try:
        yield aside
        _replace(aside, final)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def _replace(aside: Path, final: Path) -> None:
    while True:
        shutil.rmtree(final, ignore_errors=True)
        try:
            aside.rename(final)
        except OSError as error:
            # A worker whose claim was taken over has put its own there in this very moment.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        else:
            return


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

"""Working copies of media versions: the decoded sound and frames.

One folder for each media version, written under a temporary name and renamed when complete. An
earlier folder is removed just before that, file by file.
The page of a creative plays the sound where a browser can't play the original (avi, flv, ogv).
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
# Prefix of folders being filled. A killed process leaves them; ``orphans`` finds them.
ASIDE = ".new-"
# Most attempts to replace a folder. They all fail if it can't be removed.
ATTEMPTS = 10


def folder(media_id: int) -> Path:
    return Path(settings.DERIVED_ROOT) / f"{media_id % 1000:03d}" / str(media_id)


def write(media_id: int, decoded: Media) -> list[dict[str, object]]:
    """Store sound and frames; return ``[{"seconds": s, "file": name}, …]`` of the frames."""
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
    """Hard-link the working copies of one media version for another.

    Each folder may be removed without the other.

    Raises:
        OSError: the source has no working copies, or they can't be linked.
    """
    with _aside(media_id) as aside:
        for path in folder(source_id).iterdir():
            os.link(path, aside / path.name)


@contextmanager
def _aside(media_id: int) -> Iterator[Path]:
    """Yield a temporary folder, which then replaces that of the media version."""
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
    for attempts_left in reversed(range(ATTEMPTS)):
        shutil.rmtree(final, ignore_errors=True)
        try:
            aside.rename(final)
            return
        except OSError as error:
            # A worker that has lost its claim may have just put its own folder there.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or not attempts_left:
                raise


def audio(media_id: int) -> NDArray[np.float32]:
    """Read the decoded sound.

    Returns:
        16 kHz mono samples from -1 to 1; float32, (samples,).

    Raises:
        FileNotFoundError: the working copy is missing.
        ValueError: the file is not mono, 16 bits, 16 kHz.
        OSError: the file can't be read.
    """
    from classifier.media import read_wav

    return read_wav(folder(media_id) / AUDIO)


def frames(media_id: int, probe: Mapping[str, Any]) -> list[Frame]:
    """Read the frames that ``MediaVersion.probe`` lists, in time order.

    Raises:
        OSError: a frame is missing or can't be read.
    """
    from classifier.media import Frame, read_jpeg

    return [
        Frame(frame["seconds"], read_jpeg(folder(media_id) / frame["file"]))
        for frame in probe.get("frames", [])
    ]


def remove(media_id: int) -> None:
    shutil.rmtree(folder(media_id), ignore_errors=True)

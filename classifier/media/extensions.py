"""What the name of a file promises of its content."""

from __future__ import annotations

from pathlib import PurePath

# Extension -> the containers (``Probe.container``) that go by it, the usual one first.
_PROMISED: dict[str, tuple[str, ...]] = {
    ".wav": ("wav",),
    ".mp3": ("mp3",),
    ".m4a": ("mp4", "mov"),
    ".aac": ("aac",),
    ".flac": ("flac",),
    ".aiff": ("aiff",),
    ".aif": ("aiff",),
    ".ogg": ("ogg",),
    ".oga": ("ogg",),
    ".ogv": ("ogg",),
    ".opus": ("ogg",),
    ".mp4": ("mp4", "mov"),
    ".m4v": ("mp4", "mov"),
    ".3gp": ("mp4", "mov"),
    ".mov": ("mov", "mp4"),
    ".avi": ("avi",),
    ".flv": ("flv",),
    ".webm": ("webm",),
    ".wbm": ("webm",),
    ".mkv": ("matroska", "webm"),
    ".mpg": ("mpeg", "mpegts"),
    ".mpeg": ("mpeg", "mpegts"),
    ".vob": ("mpeg",),
    ".ts": ("mpegts",),
    ".wmv": ("asf",),
    ".wma": ("asf",),
    ".asf": ("asf",),
}


def looks_like(name: str, container: str) -> str:
    """The container that the extension of ``name`` promises, if ``container`` is another one.

    "" where they agree and where the extension promises nothing.
    """
    promised = _PROMISED.get(PurePath(name).suffix.lower(), ())
    return "" if not promised or container in promised else promised[0]

"""Which containers a file name's extension stands for."""

from __future__ import annotations

from pathlib import PurePath

# Extension -> the containers (``Probe.container``) that use this extension, the usual one first.
_CONTAINERS: dict[str, tuple[str, ...]] = {
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
    """Return the usual container for the extension of ``name`` if ``container`` does not match it.

    Returns:
        The container that the extension suggests, such as "mp4"; "" if ``container`` matches the
            extension or the extension is unknown.
    """
    expected = _CONTAINERS.get(PurePath(name).suffix.lower(), ())
    return "" if not expected or container in expected else expected[0]

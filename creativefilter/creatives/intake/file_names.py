"""File names: a form that is safe to show, the Advertisement ID, whether it names media."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

from django.utils.translation import gettext as _

from creativefilter.creatives import ids

MEDIA_SUFFIXES = {
    ".wav", ".mp4", ".avi", ".flv", ".wbm", ".webm", ".ogg", ".ogv", ".mp3", ".m4a", ".mov",
    ".mkv", ".mpg", ".mpeg", ".flac", ".opus",
}  # fmt: skip
# "4297908.avi", and the "4297908 (1).AVI" that a browser makes of a second download.
_NUMERIC_STEM = re.compile(r"([0-9]{1,64})(?: ?\([0-9]+\))?")


def display_name(name: str) -> str:
    """Make a client's file name safe to show: no path, no control or direction characters.

    A longer name is cut to 255 characters and keeps up to 16 characters of its extension. A name
    without any character left becomes "unnamed", in the active language.
    """
    name = PurePosixPath(name.replace("\\", "/")).name
    name = "".join(c for c in name if unicodedata.category(c)[0] != "C").strip()
    if len(name) > 255:
        suffix = PurePosixPath(name).suffix[:16]
        name = name[: 255 - len(suffix)] + suffix
    return name or _("unnamed")


def advertisement_id_of(name: str) -> str | None:
    """Return the Advertisement ID in a file's name; None if there is none.

    The name without its extension has to be a number of at most 64 digits; a browser's "(1)" after
    it is ignored.
    """
    match = _NUMERIC_STEM.fullmatch(PurePosixPath(name).stem)
    return ids.normal(match[1]) if match else None


def is_media(name: str) -> bool:
    """Whether the extension is one of media files. The decoder checks the content later."""
    return PurePosixPath(name).suffix.lower() in MEDIA_SUFFIXES

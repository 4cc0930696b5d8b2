"""What is refused of an upload before anything of it is stored, whichever way it came."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.files.base import File

from creativefilter.site.codes import CodedError


def check_upload(file: File[Any]) -> None:
    """Refuse a file without bytes, and one of more than ``UPLOAD_MAX_BYTES``.

    Raises:
        CodedError: ``empty``, ``too_large``, or ``unreadable`` if its size can't be found out.
    """
    try:
        size = file.size
    except OSError as error:
        raise CodedError("unreadable") from error
    if not size:
        raise CodedError("empty")
    if size > settings.UPLOAD_MAX_BYTES:
        raise CodedError("too_large")

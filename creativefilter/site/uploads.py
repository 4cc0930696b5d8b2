"""Size check of all uploads, before anything of them is stored."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.files.base import File

from creativefilter.site.codes import CodedError


def check_upload(file: File[Any]) -> None:
    """Check the size of an uploaded file.

    Raises:
        CodedError: ``empty``; ``too_large`` above ``UPLOAD_MAX_BYTES``; ``unreadable`` if the size
            can't be found out.
    """
    try:
        size = file.size
    except OSError as error:
        raise CodedError("unreadable") from error
    if not size:
        raise CodedError("empty")
    if size > settings.UPLOAD_MAX_BYTES:
        raise CodedError("too_large")

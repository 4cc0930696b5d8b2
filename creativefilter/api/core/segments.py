"""Segments in requests and responses. The directory is read once for each request.

A merged segment that a request names is replaced by the one into which it was merged. The header
``Merged-Segments`` of the response says so: ``6;into=0``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from creativefilter.api.core.strict_fields import Text
from creativefilter.creatives.models import Segment
from creativefilter.creatives.segments.directory import Directory, Merge, UnknownSegmentError

HEADER = "Merged-Segments"
NONE = "none"
# A number of a segment without leading zeros, or ``none``.
PATTERN = r"^(none|0|[1-9][0-9]{0,3})$"
MERGED_HELP = "A merged one counts as the one into which it was merged; see `Merged-Segments`."


@dataclass(slots=True)
class _OfRequest:
    directory: Directory | None = None
    merges: set[Merge] = field(default_factory=set)


_current: ContextVar[_OfRequest | None] = ContextVar("segments_of_request", default=None)


@contextmanager
def of_request() -> Iterator[None]:
    """Read the directory once, and note merged segments, while the context is open."""
    token = _current.set(_OfRequest())
    try:
        yield
    finally:
        _current.reset(token)


def directory() -> Directory:
    """Return the segments as they were when the request first needed them."""
    current = _current.get()
    if current is None:
        return Directory.read()
    if current.directory is None:
        current.directory = Directory.read()
    return current.directory


def counted(number: int) -> Segment:
    """Return the segment that counts for a number of the request, and note a merge.

    Raises:
        ValidationError: No segment has this number; the message names it.
    """
    known, current = directory(), _current.get()
    try:
        segment = known.counted(number)
    except UnknownSegmentError as error:
        detail = ErrorDetail(str(error), "invalid_choice")
        raise serializers.ValidationError(detail) from error
    if current is not None and (merge := known.merge_of(number)):
        current.merges.add(merge)
    return segment


def add_header(response: HttpResponseBase) -> None:
    """Add the header about the merged segments that the request named, if it named any."""
    current = _current.get()
    if current is not None and current.merges:
        merges = sorted(current.merges, key=lambda merge: merge.number)
        response[HEADER] = ", ".join(f"{one.number};into={one.target}" for one in merges)


def name_of(number: int | None) -> str | None:
    """Return the Russian name of a segment; None without a segment."""
    known = None if number is None else directory().by_number.get(number)
    return known.name if known else None


class SegmentText(Text, serializers.RegexField):
    """The number of a segment as text, or ``none``. Its value names the segment that counts."""

    def __init__(self, **options: Any) -> None:
        super().__init__(regex=PATTERN, trim_whitespace=False, **options)

    def run_validation(self, data: Any = serializers.empty) -> str:
        text: str = super().run_validation(data)
        return text if text == NONE else str(counted(int(text)).number)

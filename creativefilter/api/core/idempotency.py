"""A POST that is sent twice with the same Idempotency-Key is carried out once.

The first one reserves the key by inserting its row, so of many at once only one gets through.
Kept for a day: every answer but those that another attempt may change (409, 429, faults of ours)
and those larger than ``LARGEST``. A key whose request never answered, because its process died, is
free again after ``ABANDONED``. Without a login a key is ignored: it would belong to everybody.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from creativefilter.api.core.problems import Problem
from creativefilter.api.models import IdempotencyKey

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEPT = timedelta(hours=24)
# No request may take longer: its thread would have been stopped long ago.
ABANDONED = timedelta(minutes=10)
LARGEST = 16 * 1024**2
DELETED_AT_ONCE = 1000
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS = ("Content-Type", "Content-Disposition", "Location", "ETag")
_NOT_KEPT = frozenset({409, 412, 429})


class _AnsweredBefore(Exception):  # noqa: N818 (no error: it carries an answer past the view)
    def __init__(self, row: IdempotencyKey) -> None:
        super().__init__()
        self.row = row


class Idempotent:
    """Mixin of every view that answers POST, left of REST framework's."""

    # Top-level fields that are shown once: the kept answer, and so a replay, has null there.
    shown_once: tuple[str, ...] = ()
    _reserved: IdempotencyKey | None = None

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        if request.method == "POST" and request.user.is_authenticated:
            key = request.headers.get(HEADER)
            if key is not None:
                self._reserved = _reserve(request, key)

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, _AnsweredBefore):
            return _replay(exc.row)
        try:
            return super().handle_exception(exc)  # type: ignore[misc]
        except BaseException:
            self._free()
            raise

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        final = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]
        row, self._reserved = self._reserved, None
        if row is None:
            return final
        if final.status_code >= 500 or final.status_code in _NOT_KEPT:
            _free(row)
        elif isinstance(final, Response):
            final.add_post_render_callback(
                lambda rendered: _keep(row, rendered, _without(final.data, self.shown_once))
            )
        elif isinstance(final, HttpResponse):
            _keep(row, final)
        else:
            return _keep_stream(row, final)
        return final

    def _free(self) -> None:
        if self._reserved is not None:
            _free(self._reserved)
            self._reserved = None


def forget_expired() -> int:
    """Deletes keys older than a day, some at a time; returns how many."""
    old = IdempotencyKey.objects.filter(created_at__lt=timezone.now() - KEPT)
    keys = list(old.values_list("pk", flat=True)[:DELETED_AT_ONCE])
    return IdempotencyKey.objects.filter(pk__in=keys).delete()[0]


def _reserve(request: Any, key: str) -> IdempotencyKey:
    """The key's new row. Raises what there is to answer if the key was used before."""
    if not _KEY.fullmatch(key):
        text = _("1 to 255 visible ASCII characters.")
        raise ValidationError({HEADER: [text]})
    now = timezone.now()
    digest = _digest(request)
    fresh = {"path": request.path[:255], "request_digest": digest, "created_at": now}
    mine = IdempotencyKey.objects.filter(owner=request.user, key=key)
    forget_expired()
    mine.filter(created_at__lt=now - KEPT).delete()
    row, created = mine.get_or_create(owner=request.user, key=key, defaults=fresh)
    if created:
        return row
    if row.request_digest != digest:
        raise Problem(
            "idempotency_key_reused", 422, _("Another request was sent with this key already.")
        )
    if row.status is not None:
        raise _AnsweredBefore(row)
    # Of those who find it abandoned one gets it: the others no longer find this moment.
    abandoned = mine.filter(
        pk=row.pk, status=None, created_at=row.created_at, created_at__lt=now - ABANDONED
    )
    if not abandoned.update(created_at=now):
        raise Problem(
            "idempotency_key_in_use",
            409,
            _("The first request with this key is still being answered."),
            {"Retry-After": "1"},
        )
    row.created_at = now
    return row


def _mine(row: IdempotencyKey) -> Any:
    return IdempotencyKey.objects.filter(pk=row.pk, status=None, created_at=row.created_at)


def _free(row: IdempotencyKey) -> None:
    _mine(row).delete()


def _without(data: Any, shown_once: tuple[str, ...]) -> bytes | None:
    """The answer as it may be kept; None if it may as it is."""
    if not shown_once or not isinstance(data, dict):
        return None
    return JSONRenderer().render({**data, **{name: None for name in shown_once if name in data}})


def _keep(row: IdempotencyKey, response: HttpResponse, body: bytes | None = None) -> None:
    if len(response.content) > LARGEST:
        _free(row)
        return
    headers = {name: response[name] for name in _KEPT_HEADERS if name in response}
    _mine(row).update(
        status=response.status_code,
        headers=headers,
        body=response.content if body is None else body,
    )


def _keep_stream(row: IdempotencyKey, response: Any) -> HttpResponseBase:
    """A streamed answer is kept as a whole, unless it is long or its length unknown."""
    length = response.get("Content-Length", "")
    if not length or int(length) > LARGEST:
        _free(row)
        return response
    whole = HttpResponse(response.getvalue(), status=response.status_code)
    for name, value in response.items():
        whole[name] = value
    response.close()
    _keep(row, whole)
    return whole


def _replay(row: IdempotencyKey) -> HttpResponse:
    response = HttpResponse(bytes(row.body), status=row.status)
    for name, value in {**row.headers, REPLAYED: "true"}.items():
        response[name] = value
    return response


def _digest(request: Any) -> str:
    """What was asked: method, address and body; a file by its bytes, read in chunks."""
    digest = hashlib.sha256()
    for part in _parts(request):
        digest.update(hashlib.sha256(part.encode("utf-8", "surrogatepass")).digest())
    return digest.hexdigest()


def _parts(request: Any) -> Iterator[str]:
    yield request.method
    yield request.get_full_path()
    data = request.data
    if not hasattr(data, "lists"):
        yield json.dumps(data, sort_keys=True, ensure_ascii=False, default=str)
        return
    for name, values in sorted(data.lists()):
        for value in values:
            yield name
            yield from _file(value) if isinstance(value, UploadedFile) else [str(value)]


def _file(upload: UploadedFile) -> Iterator[str]:
    yield upload.name or ""
    content = hashlib.sha256()
    for chunk in upload.chunks():
        content.update(chunk)
    upload.seek(0)
    yield content.hexdigest()

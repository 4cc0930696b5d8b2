"""Idempotency-Key: a POST request that is sent twice with the same key is carried out once.

The changes of a request and its stored answer are written in one transaction that locks the row of
the key. Of several concurrent requests only one is carried out. If its process dies, the changes
are rolled back and the key can be used again.

Answers are stored for 24 hours, except those that another attempt may change (409, 412, 429 and
5xx) and those larger than ``LARGEST`` bytes. Without a login the header is ignored, because all
anonymous clients would share their keys.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from creativefilter.api.core.problems import Problem
from creativefilter.api.models import IdempotencyKey

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
RETENTION = timedelta(hours=24)
LARGEST = 16 * 1024**2
DELETED_AT_ONCE = 1000
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_STORED_HEADERS = ("Content-Type", "Content-Disposition", "Location", "ETag", "Merged-Segments")
_NOT_STORED = frozenset({409, 412, 429})


class _AnsweredBefore(Exception):  # noqa: N818 (not an error: passes a stored answer up)
    def __init__(self, row: IdempotencyKey) -> None:
        super().__init__()
        self.row = row


class Idempotent:
    """Mixin for every view with a POST handler. List it before DRF's classes."""

    # Top-level fields that only the first answer shows; the stored one has null there.
    shown_once: tuple[str, ...] = ()
    post: Callable[..., Any]
    # Both are set while a POST request with a key is being answered.
    _key: IdempotencyKey | None = None
    _transaction: ExitStack | None = None

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        if request.method == "POST" and request.user.is_authenticated:
            key = request.headers.get(HEADER)
            if key is not None:
                # DRF looks up the handler after ``initial``.
                self.post = partial(self._answer_once, _row_of(request, key), self.post)

    def _answer_once(
        self, key: IdempotencyKey, post: Callable[..., Any], request: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Answer the request and store the answer in one transaction."""
        with ExitStack() as self._transaction:
            self._transaction.enter_context(transaction.atomic())
            self._key = _locked(key)
            response = post(request, *args, **kwargs)
            self.store(response)
        return response

    def store(self, response: Any) -> None:
        """Store the answer for the key and commit the transaction.

        A view that waits for a job calls this before it waits, so that the job is committed and a
        repeated request gets this answer. The final answer replaces it, unless that is one of
        those that are not stored.
        """
        if self._key is None:
            return
        self._store(response)
        assert self._transaction is not None  # noqa: S101 (set before any handler is called)
        self._transaction.close()

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, _AnsweredBefore):
            return _replay(exc.row)
        response = super().handle_exception(exc)  # type: ignore[misc]
        # The transaction has been rolled back, so the refusal is stored by itself.
        if self._key is not None:
            self._store(response)
        return response

    def _store(self, response: Any) -> None:
        assert self._key is not None  # noqa: S101
        body = None
        if isinstance(response, Response):
            request = self.request  # type: ignore[attr-defined]
            super().finalize_response(request, response)  # type: ignore[misc]
            response.render()
            body = _without(response.data, self.shown_once)
        may_change = response.status_code >= 500 or response.status_code in _NOT_STORED
        content = None if may_change else _content_of(response)
        if content is None:
            _release(self._key)
            return
        IdempotencyKey.objects.filter(pk=self._key.pk).update(
            status=response.status_code,
            headers={name: response[name] for name in _STORED_HEADERS if name in response},
            body=content if body is None else body,
        )


def delete_expired() -> int:
    """Delete up to ``DELETED_AT_ONCE`` expired keys and return their number."""
    old = IdempotencyKey.objects.filter(created_at__lt=timezone.now() - RETENTION)
    keys = list(old.values_list("pk", flat=True)[:DELETED_AT_ONCE])
    return IdempotencyKey.objects.filter(pk__in=keys).delete()[0]


def _row_of(request: Any, key: str) -> IdempotencyKey:
    """Return the row of a key, creating it if needed.

    Raises:
        ValidationError: The key is malformed.
        Problem: 422 if the key belongs to a different request.
        _AnsweredBefore: The key has a stored answer.
    """
    if not _KEY.fullmatch(key):
        text = _("1 to 255 visible ASCII characters.")
        raise ValidationError({HEADER: [text]})
    now = timezone.now()
    digest = _digest(request)
    fresh = {"path": request.path[:255], "request_digest": digest, "created_at": now}
    own = IdempotencyKey.objects.filter(owner=request.user, key=key)
    delete_expired()
    own.filter(created_at__lt=now - RETENTION).delete()
    row, _created = own.get_or_create(owner=request.user, key=key, defaults=fresh)
    if row.request_digest != digest:
        raise Problem(
            "idempotency_key_reused", 422, _("Another request was sent with this key already.")
        )
    if row.status is not None:
        raise _AnsweredBefore(row)
    return row


def _locked(key: IdempotencyKey) -> IdempotencyKey:
    """Return the row of a key, locked until the transaction ends.

    SQLite has no row locks, but a transaction starts only when the previous one has ended, and
    that one has stored an answer or released the key.

    Raises:
        Problem: 409 if another request with the key is being answered.
        _AnsweredBefore: The key has a stored answer by now.
    """
    row = IdempotencyKey.objects.select_for_update(skip_locked=True).filter(pk=key.pk).first()
    if row is None:
        raise Problem(
            "idempotency_key_in_use",
            409,
            _("The first request with this key is still being answered."),
            {"Retry-After": "1"},
        )
    if row.status is not None:
        raise _AnsweredBefore(row)
    return row


def _release(row: IdempotencyKey) -> None:
    IdempotencyKey.objects.filter(pk=row.pk, status=None).delete()


def _without(data: Any, shown_once: tuple[str, ...]) -> bytes | None:
    """Return the body with the fields ``shown_once`` set to null; None if there are none."""
    if not shown_once or not isinstance(data, dict):
        return None
    return JSONRenderer().render({**data, **{name: None for name in shown_once if name in data}})


def _content_of(response: Any) -> bytes | None:
    """Return the body of an answer; None if it is too large or a stream of unknown length."""
    length = response.get("Content-Length", "") if response.streaming else len(response.content)
    if length == "" or int(length) > LARGEST:
        return None
    if not response.streaming:
        return bytes(response.content)
    content = bytes(response.getvalue())
    # Reading has used up the stream, and the client still has to get it.
    response.streaming_content = [content]
    return content


def _replay(row: IdempotencyKey) -> HttpResponse:
    response = HttpResponse(bytes(row.body), status=row.status)
    for name, value in {**row.headers, REPLAYED: "true"}.items():
        response[name] = value
    return response


def _digest(request: Any) -> str:
    """Return a digest of method, URL and body; of files, the names and the content count."""
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
            yield from _file_parts(value) if isinstance(value, UploadedFile) else [str(value)]


def _file_parts(upload: UploadedFile) -> Iterator[str]:
    yield upload.name or ""
    content = hashlib.sha256()
    for chunk in upload.chunks():
        content.update(chunk)
    upload.seek(0)
    yield content.hexdigest()

"""A POST that is sent twice with the same Idempotency-Key is carried out once.

What it does and the row that keeps its answer are written in one transaction, which holds a lock on
the row: of many at once only one gets through, and a process that dies takes back what it did and
lets go of the key. Kept for a day: every answer but those that another attempt may change (409,
412, 429, faults of ours) and those larger than ``LARGEST``. Without a login a key is ignored: it
would belong to everybody.
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
KEPT = timedelta(hours=24)
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
    post: Callable[..., Any]
    # Set while a POST with a key is being answered.
    _key: IdempotencyKey | None = None
    _transaction: ExitStack | None = None

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        if request.method == "POST" and request.user.is_authenticated:
            key = request.headers.get(HEADER)
            if key is not None:
                # REST framework looks for its handler after this.
                self.post = partial(self._once, _row_of(request, key), self.post)

    def _once(
        self, key: IdempotencyKey, post: Callable[..., Any], request: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Answer the request, and keep the answer, in one transaction."""
        with ExitStack() as self._transaction:
            self._transaction.enter_context(transaction.atomic())
            self._key = _locked(key)
            response = post(request, *args, **kwargs)
            self.keep(response)
        return response

    def keep(self, response: Any) -> None:
        """Commit what was done, with the answer that another request with the key would get.

        A view that goes on waiting calls it before it waits; what it answers in the end replaces
        that answer, unless it may not be kept.
        """
        if self._key is None:
            return
        self._write(response)
        assert self._transaction is not None  # noqa: S101 (set before any handler is called)
        self._transaction.close()

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, _AnsweredBefore):
            return _replay(exc.row)
        response = super().handle_exception(exc)  # type: ignore[misc]
        # By now what was done is taken back: a refusal is kept by itself.
        if self._key is not None:
            self._write(response)
        return response

    def _write(self, response: Any) -> None:
        assert self._key is not None  # noqa: S101
        body = None
        if isinstance(response, Response):
            request = self.request  # type: ignore[attr-defined]
            super().finalize_response(request, response)  # type: ignore[misc]
            response.render()
            body = _without(response.data, self.shown_once)
        passing = response.status_code >= 500 or response.status_code in _NOT_KEPT
        content = None if passing else _content_of(response)
        if content is None:
            _free(self._key)
            return
        IdempotencyKey.objects.filter(pk=self._key.pk).update(
            status=response.status_code,
            headers={name: response[name] for name in _KEPT_HEADERS if name in response},
            body=content if body is None else body,
        )


def forget_expired() -> int:
    """Deletes keys older than a day, some at a time; returns how many."""
    old = IdempotencyKey.objects.filter(created_at__lt=timezone.now() - KEPT)
    keys = list(old.values_list("pk", flat=True)[:DELETED_AT_ONCE])
    return IdempotencyKey.objects.filter(pk__in=keys).delete()[0]


def _row_of(request: Any, key: str) -> IdempotencyKey:
    """The key's row, a new one if need be. Raises what there is to answer if it has an answer."""
    if not _KEY.fullmatch(key):
        text = _("1 to 255 visible ASCII characters.")
        raise ValidationError({HEADER: [text]})
    now = timezone.now()
    digest = _digest(request)
    fresh = {"path": request.path[:255], "request_digest": digest, "created_at": now}
    mine = IdempotencyKey.objects.filter(owner=request.user, key=key)
    forget_expired()
    mine.filter(created_at__lt=now - KEPT).delete()
    row, _created = mine.get_or_create(owner=request.user, key=key, defaults=fresh)
    if row.request_digest != digest:
        raise Problem(
            "idempotency_key_reused", 422, _("Another request was sent with this key already.")
        )
    if row.status is not None:
        raise _AnsweredBefore(row)
    return row


def _locked(key: IdempotencyKey) -> IdempotencyKey:
    """The row of a key, locked until the transaction ends.

    On SQLite a transaction waits for the one before it: the row is answered or free by now.
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


def _free(row: IdempotencyKey) -> None:
    IdempotencyKey.objects.filter(pk=row.pk, status=None).delete()


def _without(data: Any, shown_once: tuple[str, ...]) -> bytes | None:
    """The answer as it may be kept; None if it may as it is."""
    if not shown_once or not isinstance(data, dict):
        return None
    return JSONRenderer().render({**data, **{name: None for name in shown_once if name in data}})


def _content_of(response: Any) -> bytes | None:
    """The body of an answer; None where it is too large to be kept, or a stream of any length."""
    length = response.get("Content-Length", "") if response.streaming else len(response.content)
    if length == "" or int(length) > LARGEST:
        return None
    if not response.streaming:
        return bytes(response.content)
    content = bytes(response.getvalue())
    # Read, and still to be sent.
    response.streaming_content = [content]
    return content


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

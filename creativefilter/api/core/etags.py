"""Single resources say which state they are in, so nobody overwrites what they have not seen.

An ETag is `"<state>.<variant>"`: the state is that of the resource itself, the variant tells
languages and sparse fields apart. If-None-Match compares both, If-Match the state alone.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.db import transaction
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from creativefilter.api.core.problems import Problem

READING = frozenset({"GET", "HEAD"})
WRITING = frozenset({"PUT", "PATCH", "DELETE"})


class Etagged:
    """Mixin of views of one resource, left of REST framework's: it works through ``get_object``.

    GET answers with an ETag, and 304 where If-None-Match has it. PUT, PATCH and DELETE run in one
    transaction with the row locked, and are refused (412) where If-Match names another state.
    """

    _shown: Any = None

    def etag_state(self, resource: Any) -> Any:
        """What makes up the state, as JSON can hold it; by default all fields of the answer."""
        with translation.override("en"):
            serializer = self.get_serializer_class()(  # type: ignore[attr-defined]
                resource, context={"request": None, "view": self, "format": None}
            )
            return serializer.data

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method not in WRITING:
            return super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        with transaction.atomic():
            response: HttpResponseBase = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
            if response.status_code >= 400:
                transaction.set_rollback(True)
        return response

    def get_object(self) -> Any:
        request = self.request  # type: ignore[attr-defined]
        found = super().get_object()  # type: ignore[misc]
        if request.method in WRITING:
            # Locked first, then read again: what is compared is what is written over.
            type(found)._base_manager.select_for_update().filter(pk=found.pk).first()
            found = super().get_object()  # type: ignore[misc]
            wanted = request.headers.get("If-Match", "").strip()
            if wanted and wanted != "*" and self._state(found) not in _states(wanted):
                raise Problem(
                    "precondition_failed",
                    412,
                    _("Somebody else has changed it. Fetch it again, then decide."),
                )
        self._shown = found
        return found

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        wants_tag = request.method in READING or request.method in {"PUT", "PATCH"}
        if self._shown is not None and wants_tag and response.status_code == 200:
            tag = self._tag(request)
            if request.method in READING and _matches(request, tag):
                response = Response(status=304)
            response["ETag"] = tag
        return super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]

    def _state(self, resource: Any) -> str:
        return _digest(JSONRenderer().render(self.etag_state(resource)))

    def _tag(self, request: Any) -> str:
        variant = json.dumps([translation.get_language(), sorted(request.query_params.items())])
        return f'"{self._state(self._shown)}.{_digest(variant.encode())[:8]}"'


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:24]


def _tags(header: str) -> list[str]:
    return [tag.strip().removeprefix("W/").strip('"') for tag in header.split(",")]


def _states(header: str) -> set[str]:
    return {tag.partition(".")[0] for tag in _tags(header)}


def _matches(request: Any, tag: str) -> bool:
    header = request.headers.get("If-None-Match", "").strip()
    return header == "*" or (bool(header) and tag.strip('"') in _tags(header))

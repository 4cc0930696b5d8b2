"""ETags of single resources, which prevent lost updates.

An ETag is `"<state>.<variant>"`. The state is a digest of the resource; the variant is a digest of
the language and the query parameters, such as ``?fields=``. If-None-Match compares both parts,
If-Match only the state.
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
    """Mixin for views of one resource that use ``get_object``. List it before DRF's classes.

    Responses to GET, PUT and PATCH carry an ETag; GET returns 304 if If-None-Match contains it.
    PUT, PATCH and DELETE run in one transaction with the row locked, and return 412 if If-Match
    names another state.
    """

    # The resource whose state the ETag of the response describes.
    _tagged: Any = None

    def etag_state(self, resource: Any) -> Any:
        """Return the value whose digest is the state; by default all fields, in English.

        Args:
            resource: What ``get_object`` returned.

        Returns:
            Anything that DRF renders as JSON.
        """
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
        """Return the resource; for PUT, PATCH and DELETE, lock its row and check If-Match.

        Raises:
            Problem: 412 ``precondition_failed`` if If-Match names another state.
        """
        request = self.request  # type: ignore[attr-defined]
        found = super().get_object()  # type: ignore[misc]
        if request.method in WRITING:
            # Read again after locking: the compared state is the one that is overwritten.
            type(found)._base_manager.select_for_update().filter(pk=found.pk).first()
            found = super().get_object()  # type: ignore[misc]
            wanted = request.headers.get("If-Match", "").strip()
            if wanted and wanted != "*" and self._state(found) not in _states(wanted):
                raise Problem(
                    "precondition_failed",
                    412,
                    _(
                        "Somebody else has changed this resource. Fetch it again before you change "
                        "it."
                    ),
                )
        self._tagged = found
        return found

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        wants_tag = request.method in READING or request.method in {"PUT", "PATCH"}
        if self._tagged is not None and wants_tag and response.status_code == 200:
            tag = self._tag(request)
            if request.method in READING and _matches(request, tag):
                response = Response(status=304)
            response["ETag"] = tag
        return super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]

    def _state(self, resource: Any) -> str:
        return _digest(JSONRenderer().render(self.etag_state(resource)))

    def _tag(self, request: Any) -> str:
        variant = json.dumps([translation.get_language(), sorted(request.query_params.lists())])
        return f'"{self._state(self._tagged)}.{_digest(variant.encode())[:8]}"'


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:24]


def _tags(header: str) -> list[str]:
    return [tag.strip().removeprefix("W/").strip('"') for tag in header.split(",")]


def _states(header: str) -> set[str]:
    return {tag.partition(".")[0] for tag in _tags(header)}


def _matches(request: Any, tag: str) -> bool:
    header = request.headers.get("If-None-Match", "").strip()
    return header == "*" or (bool(header) and tag.strip('"') in _tags(header))

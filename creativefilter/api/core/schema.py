"""The OpenAPI schema: drf-spectacular's, with what it can't find out from the views.

Added are error responses, headers, examples, patterns of texts and the schemes of authentication.
"""

from __future__ import annotations

from typing import Any

from django.utils import translation
from drf_spectacular.authentication import SessionScheme
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from rest_framework.permissions import AllowAny, IsAuthenticated

from creativefilter.api.core.etags import WRITING, Etagged
from creativefilter.api.core.generics import KnownParameters
from creativefilter.api.core.idempotency import HEADER, Idempotent
from creativefilter.api.core.problems import ProblemSerializer
from creativefilter.api.core.recordings import add_examples
from creativefilter.api.core.strict_fields import NO_NUL
from creativefilter.site.problem_details import PROBLEM_JSON


class CheckedSessionScheme(SessionScheme):  # type: ignore[no-untyped-call]
    """Security scheme of sessions. drf-spectacular finds it by its ``target_class``."""

    target_class = "creativefilter.api.core.problems.CheckedSession"


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Security scheme of access tokens."""

    target_class = "creativefilter.accounts.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token <value>`",
        }


class EnglishGenerator(SchemaGenerator):
    """Generates the schema in English, like its descriptions, whatever language is active."""

    def get_schema(self, *args: Any, **kwargs: Any) -> Any:
        with translation.override("en"):
            return super().get_schema(*args, **kwargs)  # type: ignore[no-untyped-call]


def drop_titles(result: dict[str, Any], **_generator: Any) -> dict[str, Any]:
    """Remove the titles of fields (postprocessing hook of drf-spectacular).

    The titles are the fields' labels, which are written for pages. Client generators would name
    classes after them.
    """
    for component in result["components"]["schemas"].values():
        for field in component.get("properties", {}).values():
            field.pop("title", None)
    return result


def describe_texts(result: dict[str, Any], **_generator: Any) -> dict[str, Any]:
    """Add patterns to the texts in requests (postprocessing hook of drf-spectacular).

    Every text in a body or a query parameter gets one, unless it has a pattern, a format or fixed
    values. The pattern refuses NUL and, if the text has a smallest length, also blank texts.
    """
    for name, component in result["components"]["schemas"].items():
        if name.endswith("Request"):
            for field in component.get("properties", {}).values():
                _add_pattern(field)
    for methods in result["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "query":
                    _add_pattern(parameter["schema"])
    return result


def _add_pattern(schema: dict[str, Any]) -> None:
    if "items" in schema:
        _add_pattern(schema["items"])
    constraints = {"enum", "format", "pattern"} & set(schema)
    if "string" in _types(schema) and not constraints:
        schema["pattern"] = NOT_BLANK if schema.get("minLength") else NO_NUL


def _types(schema: dict[str, Any]) -> list[str]:
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else types


_DESCRIPTIONS = {
    "400": "The request is invalid; `errors` names the fields and the reasons.",
    "401": "There is no login and no token, or the token is not valid.",
    "403": "The user's role does not have the permission, or the CSRF token of a session is "
    "missing or wrong.",
    "404": "The resource does not exist, or it belongs to another user.",
    "406": "There is no response of the requested type.",
    "409": "The request conflicts with the current state of the resource, or the first request "
    "with this Idempotency-Key is still being answered.",
    "412": "The resource has changed since the ETag in `If-Match`.",
    "413": "The request is larger than this server accepts.",
    "414": "The URL is longer than the proxy accepts (8 KB).",
    "415": "This resource does not accept a body of this type.",
    "422": "The Idempotency-Key was used for another request.",
    "429": "Too many requests, or too many jobs that have not ended.",
}
# A text is blank if ``str.strip`` leaves nothing of it.
NOT_BLANK = r"^[^\x00]*[^\s\x00\x1c-\x1f\x85][^\x00]*$"
_PROBLEM = "#/components/schemas/Problem"


def _header(name: str, description: str, **schema: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string", **schema},
    }


class ApiSchema(AutoSchema):
    """Adds error responses, the response 304 and headers to an operation.

    The headers are Idempotency-Key, If-Match, If-None-Match, ETag and Retry-After. A 4xx or 5xx
    response that a view declares without a body, or with ``ProblemSerializer``, becomes a problem
    (RFC 9457). If the view declares another body, that body stays. A problem is added to it as a
    second media type if the status can also come from code that runs before the view's own, such
    as the check of permissions.
    """

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        operation = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        component = self.resolve_serializer(ProblemSerializer, "response")
        responses = operation["responses"]
        for status in self._errors(operation):
            if status in responses and not _is_problem(responses[status]):
                # The view's own code answers with another body. If the same status comes from
                # code that runs before it, the response is a problem.
                responses[status]["content"][PROBLEM_JSON] = {"schema": component.ref}
            responses.setdefault(status, {"description": _DESCRIPTIONS[status]})
        if "414" in responses:
            # The proxy answers this itself, without calling the application.
            responses["414"]["content"] = {"text/html": {"schema": {"type": "string"}}}
        for status, response in responses.items():
            if status[0] in "45":
                _as_problem(response, component.ref, _DESCRIPTIONS.get(status, ""))
        if "429" in responses:
            responses["429"].setdefault("headers", {})["Retry-After"] = {
                "description": "Seconds.",
                "schema": {"type": "integer"},
            }
        if headers := self._request_headers():
            operation["parameters"] = [*operation.get("parameters", []), *headers]
        self._add_etag(responses)
        operation["responses"] = dict(sorted(responses.items()))
        add_examples(operation, type(self.view).__module__)
        return operation

    def _errors(self, operation: dict[str, Any]) -> list[str]:
        """Return the error statuses that follow from the classes of the view."""
        keyed = self.method == "POST" and isinstance(self.view, Idempotent)
        permissions = {type(permission) for permission in self.view.get_permissions()}
        writes = self.method not in ("GET", "HEAD", "OPTIONS")
        asks = any(parameter["in"] == "query" for parameter in operation.get("parameters", []))
        body = "requestBody" in operation
        found = {
            "400": asks or body or keyed or self._refuses_unknown_parameters(),
            "401": bool(self.view.get_authenticators()),
            "403": writes or bool(permissions - {AllowAny, IsAuthenticated}),
            "404": "{" in self.path,
            "406": True,
            "409": keyed,
            "412": self.method in WRITING and isinstance(self.view, Etagged),
            "413": body,
            "414": asks,
            "415": body,
            "422": keyed,
            "429": bool(self.view.get_throttles()),
        }
        return [status for status, happens in found.items() if happens]

    def _refuses_unknown_parameters(self) -> bool:
        """Return whether the operation refuses unknown query parameters."""
        return self.method == "GET" and isinstance(self.view, KnownParameters)

    def _request_headers(self) -> list[dict[str, Any]]:
        if self.method == "POST" and isinstance(self.view, Idempotent):
            text = (
                "A request that is repeated with the same key within 24 hours gets the stored "
                "answer. Answers with 409, 412, 429 or 5xx and very large answers are not stored. "
                "The header is ignored if the request is not authenticated."
            )
            return [_header(HEADER, text, minLength=1, maxLength=255, pattern=r"^[!-~]+$")]
        if isinstance(self.view, Etagged) and self.method == "GET":
            return [_header("If-None-Match", "An ETag; 304 if the resource is unchanged.")]
        if isinstance(self.view, Etagged) and self.method in WRITING:
            return [_header("If-Match", "An ETag; 412 if the resource has changed.")]
        return []

    def _add_etag(self, responses: dict[str, Any]) -> None:
        if not isinstance(self.view, Etagged) or self.method == "DELETE":
            return
        tag = {
            "description": "Identifies the current state of the resource.",
            "schema": {"type": "string"},
        }
        if "200" in responses and self.method in {"GET", *WRITING}:
            responses["200"].setdefault("headers", {})["ETag"] = tag
        if self.method == "GET":
            responses["304"] = {"description": "The resource still has the ETag in If-None-Match."}


def _is_problem(response: dict[str, Any]) -> bool:
    """Return whether the view declares the response without a body, or as a problem."""
    content = response.get("content", {})
    return all(media.get("schema", {}).get("$ref") == _PROBLEM for media in content.values())


def _as_problem(response: dict[str, Any], reference: dict[str, Any], words: str) -> None:
    if not _is_problem(response):
        return
    content = response.get("content", {})
    first: dict[str, Any] = next(iter(content.values()), {})
    examples = first.get("examples")
    media = {"schema": reference, **({"examples": examples} if examples else {})}
    response["content"] = {PROBLEM_JSON: media}
    if not response.get("description") or response["description"] == "No response body":
        response["description"] = words

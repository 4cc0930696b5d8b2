"""``?fields=``: the response has only these fields."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.utils import OpenApiParameter
from rest_framework import exceptions, serializers

PARAMETER = "fields"


def fields_of(serializer: type[serializers.BaseSerializer[Any]]) -> OpenApiParameter:
    """Return the OpenAPI parameter ``fields`` with the field names of the serializer."""
    names = list(serializer.Meta.fields)  # type: ignore[attr-defined]
    return OpenApiParameter(
        PARAMETER,
        {"type": "array", "items": {"type": "string", "enum": names}, "minItems": 1},
        explode=False,
        style="form",
        description="Names of the fields to return, separated by commas.",
    )


def asked_fields(request: Any) -> frozenset[str]:
    """Return the names in ``?fields=``, separated by commas or repeated; empty if absent."""
    values = request.query_params.getlist(PARAMETER)
    return frozenset(name.strip() for value in values for name in value.split(","))


class SparseFields:
    """Mixin for serializers that obey ``?fields=`` of GET. List it before DRF's classes.

    Only the fields at the top of the response are left out, not those of nested objects.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Check the names in ``?fields=``.

        Raises:
            ValidationError: A name is not a field of the serializer.
        """
        super().__init__(*args, **kwargs)
        request = kwargs.get("context", {}).get("request")
        if request is None or request.method not in ("GET", "HEAD"):
            return
        # Checked here because DRF never calls ``get_fields`` for an empty list.
        if unknown := sorted(asked_fields(request) - set(self.Meta.fields)):  # type: ignore[attr-defined]
            text = _("There is no such field: %(names)s.") % {"names": ", ".join(unknown)[:200]}
            raise exceptions.ValidationError({PARAMETER: [text]})

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()  # type: ignore[misc]
        request = self.context.get("request")  # type: ignore[attr-defined]
        parent = self.parent  # type: ignore[attr-defined]
        is_top = parent is None or (getattr(parent, "many", False) and parent.parent is None)
        if request is None or not is_top or request.method not in ("GET", "HEAD"):
            return fields
        names = asked_fields(request)
        if not names:
            return fields
        return {name: field for name, field in fields.items() if name in names}


class LongFields(SparseFields):
    """Leaves ``Meta.long_fields`` out of lists unless ``?fields=`` names them."""

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        request = self.context.get("request")  # type: ignore[attr-defined]
        is_many = getattr(self.parent, "many", False)  # type: ignore[attr-defined]
        if is_many and request is not None and not asked_fields(request):
            long: frozenset[str] = self.Meta.long_fields  # type: ignore[attr-defined]
            return {name: field for name, field in fields.items() if name not in long}
        return fields


class SparseSchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Marks no field of a response as required, because ``?fields=`` can leave out any."""

    target_class = SparseFields
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        schema: dict[str, Any] = auto_schema._map_serializer(
            self.target, direction, bypass_extensions=True
        )
        if direction == "response":
            schema.pop("required", None)
        return schema

"""DRF's generic views, with checked query parameters and throttles before permissions.

DRF checks permissions first, so it never counts requests that are refused. Every view of the
API derives from these classes (``tests/api/core/test_api_refusals.py`` checks this).
"""

from __future__ import annotations

from typing import Any, TypeVar

from django.db.models import Model
from django.http.response import HttpResponseBase
from rest_framework import exceptions, generics
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.views import APIView as FrameworkAPIView

from creativefilter.api.core import segments, sparse_fields
from creativefilter.api.core.strict_fields import unknown_fields

Row = TypeVar("Row", bound=Model, covariant=True)


class CountedFirst(FrameworkAPIView):
    """View that checks authentication, throttles and permissions, in this order.

    A request whose authentication fails is counted, too. While a request is handled, the segments
    of the database are read once at most (``core.segments``).
    """

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with segments.of_request():
            return super().dispatch(request, *args, **kwargs)

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        segments.add_header(response)
        return super().finalize_response(request, response, *args, **kwargs)

    def perform_authentication(self, request: Request) -> None:
        try:
            super().perform_authentication(request)
        except exceptions.APIException:
            # The request has no user, so the throttle counts it for the client's address.
            super().check_throttles(request)
            raise
        super().check_throttles(request)

    def check_throttles(self, request: Request) -> None:
        """Do nothing: ``perform_authentication`` has counted the request already."""


class APIView(CountedFirst):
    """View without a queryset."""


class GenericAPIView(CountedFirst, generics.GenericAPIView[Row]):
    """View with a queryset."""


class KnownParameters(GenericAPIView[Row]):
    """View of a list or report. GET refuses query parameters that it does not read.

    A misspelt filter that is ignored would let too many rows through.
    """

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check the request.

        Raises:
            ValidationError: A query parameter of GET is unknown.
        """
        super().initial(request, *args, **kwargs)
        if request.method not in ("GET", "HEAD"):
            return
        if unknown := set(request.query_params) - self.parameter_names():
            raise unknown_fields(unknown)

    def parameter_names(self) -> set[str]:
        """Return the names of the query parameters that GET reads."""
        names = {str(api_settings.URL_FORMAT_OVERRIDE)}
        if issubclass(self.get_serializer_class(), sparse_fields.SparseFields):
            names.add(sparse_fields.PARAMETER)
        parts: list[Any] = [backend() for backend in self.filter_backends]
        if self.paginator is not None:
            parts.append(self.paginator)
        return names.union(*(part.parameter_names(self) for part in parts))


class ListAPIView(KnownParameters[Row], generics.ListAPIView[Row]):
    """View that lists rows."""


class RetrieveAPIView(CountedFirst, generics.RetrieveAPIView[Row]):
    """View of one row."""


class RetrieveDestroyAPIView(CountedFirst, generics.RetrieveDestroyAPIView[Row]):
    """View of one row that can be deleted."""

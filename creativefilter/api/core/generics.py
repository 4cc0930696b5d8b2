"""DRF's generic views, with throttles checked before permissions.

DRF checks permissions first, so that it never counts requests that are refused. Every view of the
API derives from these classes (``tests/api/core/test_api_refusals.py`` checks this).
"""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model
from rest_framework import exceptions, generics
from rest_framework.request import Request
from rest_framework.views import APIView as FrameworkAPIView

Row = TypeVar("Row", bound=Model, covariant=True)


class CountedFirst(FrameworkAPIView):
    """View that checks authentication, throttles and permissions, in this order.

    A request whose authentication fails is counted, too.
    """

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


class ListAPIView(CountedFirst, generics.ListAPIView[Row]):
    """View that lists rows."""


class RetrieveAPIView(CountedFirst, generics.RetrieveAPIView[Row]):
    """View of one row."""


class RetrieveDestroyAPIView(CountedFirst, generics.RetrieveDestroyAPIView[Row]):
    """View of one row that can be deleted."""

"""REST framework's views, with requests counted before permissions are asked for.

REST framework counts after it has checked permissions, so refused requests are never counted. Every
view of the API stands on these classes (``tests/api/core/test_api_refusals.py`` walks them).
"""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model
from rest_framework import exceptions, generics
from rest_framework.request import Request
from rest_framework.views import APIView as FrameworkAPIView

Row = TypeVar("Row", bound=Model, covariant=True)


class CountedFirst(FrameworkAPIView):
    """Order of checks: authentication, throttles (a failed login counts, too), permissions."""

    def perform_authentication(self, request: Request) -> None:
        try:
            super().perform_authentication(request)
        except exceptions.APIException:
            # The request has no user now, so it counts for its address.
            super().check_throttles(request)
            raise
        super().check_throttles(request)

    def check_throttles(self, request: Request) -> None:
        """Nothing: the request was counted as soon as its user was known."""


class APIView(CountedFirst):
    """A view without rows."""


class GenericAPIView(CountedFirst, generics.GenericAPIView[Row]):
    """A view of rows."""


class ListAPIView(CountedFirst, generics.ListAPIView[Row]):
    """A view of many rows."""


class RetrieveAPIView(CountedFirst, generics.RetrieveAPIView[Row]):
    """A view of one row."""


class RetrieveDestroyAPIView(CountedFirst, generics.RetrieveDestroyAPIView[Row]):
    """A view of one row that can be deleted."""

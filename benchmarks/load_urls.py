"""The application's addresses, and a view that does nothing."""

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from creativefilter.urls import urlpatterns as application


class Empty(APIView):
    """What every request costs: the framework, the token, the user."""

    def get(self, _request: Request) -> Response:
        return Response({})


urlpatterns = [path("empty", Empty.as_view()), *application]

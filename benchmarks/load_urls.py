"""URLs of the application, with an additional view that does nothing."""

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from creativefilter.urls import urlpatterns as application_patterns


class Empty(APIView):
    """Baseline of a request: the framework, the token, the user."""

    def get(self, _request: Request) -> Response:
        return Response({})


urlpatterns = [path("empty", Empty.as_view()), *application_patterns]

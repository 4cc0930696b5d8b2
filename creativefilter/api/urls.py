"""Addresses of the API, version 1."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from creativefilter.api import files, spend, views

app_name = "api"

urlpatterns = [
    path("predict", views.PredictView.as_view(), name="predict"),
    path("jobs/<uuid:pk>", views.JobView.as_view(), name="job"),
    path("segments", views.SegmentsView.as_view(), name="segments"),
    path("media/<int:pk>", files.original, name="media"),
    path("media/<int:pk>/<str:name>", files.working_copy, name="working-copy"),
    path("spend/", include(spend.urlpatterns)),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerView.as_view(url_name="api:schema"), name="docs"),
]

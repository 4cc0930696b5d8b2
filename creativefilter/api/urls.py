"""Addresses of the API, version 1."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from creativefilter.api import (
    creatives,
    documents,
    exports,
    files,
    jobs,
    labels,
    model_versions,
    predictions,
    retrying,
    segments,
    spend,
    spend_reports,
    tables,
    tokens,
    views,
    webhooks,
)

app_name = "api"

urlpatterns = [
    path("predict", views.PredictView.as_view(), name="predict"),
    *jobs.urlpatterns,
    *creatives.urlpatterns,
    *retrying.urlpatterns,
    *predictions.urlpatterns,
    *labels.urlpatterns,
    *segments.urlpatterns,
    *model_versions.urlpatterns,
    path("media/<int:pk>", files.OriginalView.as_view(), name="media"),
    path("media/<int:pk>/<str:name>", files.WorkingCopyView.as_view(), name="working-copy"),
    path("spend/", include([*spend.urlpatterns, *spend_reports.urlpatterns])),
    *exports.urlpatterns,
    *tables.urlpatterns,
    *webhooks.urlpatterns,
    *tokens.urlpatterns,
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", documents.SwaggerView.as_view(), name="docs"),
    path("redoc", documents.RedocView.as_view(), name="redoc"),
]

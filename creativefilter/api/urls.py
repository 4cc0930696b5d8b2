"""URL patterns of the API, version 1."""

from django.urls import include, path

from creativefilter.api.core import schema_pages
from creativefilter.api.creatives import views as creatives
from creativefilter.api.exports import views as exports
from creativefilter.api.jobs import views as jobs
from creativefilter.api.labels import views as labels
from creativefilter.api.media import views as media
from creativefilter.api.model_versions import views as model_versions
from creativefilter.api.predict import views as predict
from creativefilter.api.predictions import views as predictions
from creativefilter.api.segments import views as segments
from creativefilter.api.spend_imports import views as spend_imports
from creativefilter.api.spend_reports import views as spend_reports
from creativefilter.api.tables import views as tables
from creativefilter.api.tokens import views as tokens
from creativefilter.api.webhooks import views as webhooks

app_name = "api"

urlpatterns = [
    *predict.urlpatterns,
    *jobs.urlpatterns,
    *creatives.urlpatterns,
    *predictions.urlpatterns,
    *labels.urlpatterns,
    *segments.urlpatterns,
    *model_versions.urlpatterns,
    *media.urlpatterns,
    path("spend/", include([*spend_imports.urlpatterns, *spend_reports.urlpatterns])),
    *exports.urlpatterns,
    *tables.urlpatterns,
    *webhooks.urlpatterns,
    *tokens.urlpatterns,
    path("schema", schema_pages.SchemaView.as_view(), name="schema"),
    path("docs", schema_pages.SwaggerView.as_view(), name="docs"),
    path("redoc", schema_pages.RedocView.as_view(), name="redoc"),
]

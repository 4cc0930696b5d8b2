"""Root URL configuration."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from creativefilter.accounts.password_page import OwnPasswordView
from creativefilter.api.predict.views import ReferencePredictView
from creativefilter.api.tables.views import ReferencePredictTableView
from creativefilter.doctor.pages import system_check

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:creatives_creative_changelist")),
    path("admin/system-check/", admin.site.admin_view(system_check), name="system-check"),
    # Before the URLs of the admin, whose own view does not delay further attempts after a wrong
    # old password.
    path("admin/password_change/", admin.site.admin_view(OwnPasswordView.as_view())),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/v1/", include("creativefilter.api.urls")),
    re_path(r"^predict/?$", ReferencePredictView.as_view(), name="reference-predict"),
    re_path(
        r"^predict_table/?$", ReferencePredictTableView.as_view(), name="reference-predict-table"
    ),
    path("docs", RedirectView.as_view(pattern_name="api:docs")),
]

# Addresses of the API (``site.problem_details.is_api``) get problem details, others Django's pages.
handler400 = "creativefilter.site.error_pages.bad_request"
handler403 = "creativefilter.site.error_pages.forbidden"
handler404 = "creativefilter.site.error_pages.not_found"
handler500 = "creativefilter.site.error_pages.server_error"

"""Theme of the admin (django-unfold): names and navigation."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def _item(title: object, icon: str, view: str, permission: str) -> dict[str, object]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(view),
        "permission": lambda request: request.user.has_perm(permission),
    }


def _page(request: HttpRequest) -> str:
    """Return the URL name of the current page."""
    match = request.resolver_match
    return match.url_name or "" if match else ""


def _is_page_of_creatives(request: HttpRequest) -> bool:
    """Return whether the page belongs to "Creatives"; "Add creatives" has its own entry."""
    name = _page(request)
    return name.startswith("creatives_creative_") and name != "creatives_creative_add"


def _is_page_of_segments(request: HttpRequest) -> bool:
    return _page(request).startswith(("creatives_segment_", "creatives_segmentgroup_"))


def _is_page_of_imports(request: HttpRequest) -> bool:
    return _page(request).startswith(("spend_spendimport_", "spend_import_"))


def _is_page_of_spend(request: HttpRequest) -> bool:
    """Return whether the page shows charts, the creatives of a figure, or exports."""
    return _page(request).startswith("spend_") and not _is_page_of_imports(request)


def _may_see_watched_folder(request: HttpRequest) -> bool:
    return bool(settings.INGEST_FOLDER) and request.user.has_perm("creatives.view_watchedfile")


UNFOLD = {
    "SITE_TITLE": "Creative Filter",
    "SITE_HEADER": "Creative Filter",
    "SITE_SUBHEADER": _("Advertising by segment"),
    "SITE_SYMBOL": "filter_alt",
    "LOGIN": {"form": "creativefilter.accounts.login_form.LoginForm"},
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("creativefilter/favicon.svg"),
        }
    ],
    "SHOW_LANGUAGES": True,
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {
        "show_search": False,
        "navigation": [
            {
                "title": _("Creatives"),
                "items": [
                    {
                        **_item(
                            _("Creatives"),
                            "movie",
                            "admin:creatives_creative_changelist",
                            "creatives.view_creative",
                        ),
                        "active": _is_page_of_creatives,
                    },
                    _item(
                        _("Add creatives"),
                        "upload_file",
                        "admin:creatives_creative_add",
                        "creatives.add_creative",
                    ),
                    {
                        **_item(
                            _("Watched folder"),
                            "folder_eye",
                            "admin:creatives_watchedfile_changelist",
                            "creatives.view_watchedfile",
                        ),
                        "permission": _may_see_watched_folder,
                    },
                    _item(
                        _("Classify a table"),
                        "table_view",
                        "admin:tables_table_changelist",
                        "tables.view_table",
                    ),
                    {
                        **_item(
                            _("Segments"),
                            "category",
                            "admin:creatives_segment_changelist",
                            "creatives.view_segment",
                        ),
                        "active": _is_page_of_segments,
                    },
                ],
            },
            {
                "title": _("Spend"),
                "separator": True,
                "items": [
                    {
                        **_item(
                            _("Where the money goes"),
                            "bar_chart",
                            "admin:spend_charts",
                            "creatives.view_creative",
                        ),
                        "active": _is_page_of_spend,
                    },
                    {
                        **_item(
                            _("Import spend"),
                            "receipt_long",
                            "admin:spend_spendimport_changelist",
                            "spend.view_spendimport",
                        ),
                        "active": _is_page_of_imports,
                    },
                ],
            },
            {
                "title": _("Behind the scenes"),
                "separator": True,
                "items": [
                    _item(
                        _("Jobs"), "pending_actions", "admin:jobs_job_changelist", "jobs.view_job"
                    ),
                    _item(
                        _("System check"),
                        "health_and_safety",
                        "system-check",
                        # The same as ``doctor.pages.PERMISSION``.
                        "creatives.delete_creative",
                    ),
                    _item(
                        _("Model versions"),
                        "model_training",
                        "admin:creatives_modelversion_changelist",
                        "creatives.view_modelversion",
                    ),
                    _item(
                        _("Decisions"),
                        "rule",
                        "admin:creatives_decisionsettings_changelist",
                        "creatives.view_decisionsettings",
                    ),
                    _item(_("Users"), "person", "admin:auth_user_changelist", "auth.view_user"),
                    {
                        "title": _("Access tokens"),
                        "icon": "key",
                        "link": reverse_lazy("admin:accounts_tokendetails_changelist"),
                    },
                    _item(
                        _("Audit log"),
                        "policy",
                        "admin:accounts_auditentry_changelist",
                        "accounts.view_auditentry",
                    ),
                    _item(
                        _("Webhooks"),
                        "webhook",
                        "admin:webhooks_endpoint_changelist",
                        "webhooks.view_endpoint",
                    ),
                    {
                        "title": _("API for programs"),
                        "icon": "api",
                        "link": reverse_lazy("api:docs"),
                    },
                ],
            },
        ],
    },
}

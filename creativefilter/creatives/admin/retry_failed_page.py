"""The page that retries failed creatives, by error code."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from unfold.decorators import action

from creativefilter.creatives.analysis import retry
from creativefilter.site.codes import sentence

LIST = "admin:creatives_creative_changelist"


def _title() -> str:
    """Return the button's text, with the number of failed creatives."""
    count = retry.failed().count()
    return _("Retry all failed (%d)") % count if count else _("Retry all failed")


class RetriesFailed:
    """Mixin for the list of creatives: the button and page that retry failed creatives."""

    @action(
        description=lazy(_title, str)(),
        permissions=["change"],
        url_path="retry-failed",
        icon="replay",
    )
    def retry_failed(self, request: HttpRequest) -> HttpResponse:
        return _page(self, request)


def _page(theme: Any, request: HttpRequest) -> HttpResponse:
    """GET shows the error codes with counts; POST retries the creatives of the ticked ones."""
    if request.method == "POST":
        codes = request.POST.getlist("reason")
        if not codes:
            messages.error(request, _("Tick at least one reason."))
            return redirect(request.path)
        jobs = retry.retry(request.user, codes=codes)  # type: ignore[arg-type]
        text = ngettext(
            "%d creative is being analysed again.", "%d creatives are being analysed again.",
            len(jobs),
        )  # fmt: skip
        messages.success(request, text % len(jobs))
        return redirect(LIST)
    reasons = [
        {"code": code, "count": count, "sentence": sentence(code) or _("for no known reason")}
        for code, count in retry.by_reason()
    ]
    context = {
        **theme.admin_site.each_context(request),
        "opts": theme.opts,
        "title": _("Retry all failed"),
        "media": theme.media,
        "reasons": reasons,
        "total": sum(reason["count"] for reason in reasons),
        "back": reverse(LIST),
    }
    return TemplateResponse(request, "creatives/retry_failed.html", context)

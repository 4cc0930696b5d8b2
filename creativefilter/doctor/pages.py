"""The page "System check", for leads."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from creativefilter.doctor import examination, examination_jobs
from creativefilter.jobs.quota import QuotaExceeded
from creativefilter.jobs.summaries import story_of
from creativefilter.site import doctor
from creativefilter.ui.pages import person

# Repairs move files of creatives, among other things.
PERMISSION = "creatives.delete_creative"


@require_http_methods(["GET", "HEAD", "POST"])
def system_check(request: HttpRequest) -> HttpResponse:
    """Show what is wrong. A POST queues a job that runs all checks and, with ``fix``, the repairs.

    Raises:
        PermissionDenied: The user lacks ``PERMISSION``.
    """
    if not person(request).has_perm(PERMISSION):
        raise PermissionDenied
    if request.method == "POST":
        try:
            examination_jobs.start(person(request), fix="fix" in request.POST)
        except QuotaExceeded as error:
            messages.error(request, str(error))
        return redirect("system-check")
    context = {**admin.site.each_context(request), "title": _("System check")}
    return render(request, "doctor/system_check.html", {**context, **_findings(person(request))})


def _findings(user: User) -> dict[str, Any]:
    """Return the findings for the page as template context.

    The quick checks run now. The findings of the other checks come from the last done job; while a
    job is open they are left out. The quick checks also show a missing worker, which would keep
    that job waiting.
    """
    quick = doctor.registered(quick=True)
    findings = examination.examine(quick)
    if job := examination_jobs.under_way():
        return {"findings": findings, "job": job}
    last, repaired = examination_jobs.last_done(), []
    if last:
        quick_codes = {problem.code for check in quick for problem in check.problems}
        report = examination_jobs.found_by(last)
        findings += [finding for finding in report.found if finding.code not in quick_codes]
        repaired = report.repaired
    failed = examination_jobs.last_failed()
    return {
        "findings": findings,
        "repaired": repaired,
        "repairable": any(finding.repairable for finding in findings),
        "last": last,
        "failed": story_of(failed, user).error if failed else "",
    }

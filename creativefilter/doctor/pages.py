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

# What a check may mend are files of creatives, among other things.
PERMISSION = "creatives.delete_creative"


@require_http_methods(["GET", "HEAD", "POST"])
def system_check(request: HttpRequest) -> HttpResponse:
    """Show what is wrong; on POST have a worker look at everything, or mend what is safe."""
    if not person(request).has_perm(PERMISSION):
        raise PermissionDenied
    if request.method == "POST":
        try:
            examination_jobs.start(person(request), fix="fix" in request.POST)
        except QuotaExceeded as error:
            messages.error(request, str(error))
        return redirect("system-check")
    context = {**admin.site.each_context(request), "title": _("System check")}
    return render(request, "doctor/system_check.html", {**context, **_found(person(request))})


def _found(user: User) -> dict[str, Any]:
    """What the quick checks find now, and what the last job has found of everything else.

    While a job looks, or waits for a worker that may be what is missing, the quick ones alone.
    """
    quick = doctor.every(quick=True)
    found = examination.examine(quick)
    if job := examination_jobs.under_way():
        return {"findings": found, "job": job}
    last, mended = examination_jobs.last_done(), []
    if last:
        fresh = {problem.code for check in quick for problem in check.problems}
        report = examination_jobs.found_by(last)
        found += [finding for finding in report.found if finding.code not in fresh]
        mended = report.mended
    failed = examination_jobs.last_failed()
    return {
        "findings": found,
        "mended": mended,
        "mendable": any(finding.mended for finding in found),
        "last": last,
        "failed": story_of(failed, user).error if failed else "",
    }

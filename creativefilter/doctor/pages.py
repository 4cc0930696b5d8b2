"""The page "System check", for leads."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from creativefilter.doctor import examination, examination_jobs
from creativefilter.jobs.quota import QuotaExceeded
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
    if job := examination_jobs.under_way():
        return render(request, "doctor/system_check.html", {**context, "job": job})
    return render(request, "doctor/system_check.html", {**context, **_found()})


def _found() -> dict[str, Any]:
    """What the quick checks find now, and what the last job has found of everything else."""
    quick = doctor.every(quick=True)
    found = examination.examine(quick)
    last = examination_jobs.last_done()
    if last:
        fresh = {problem.code for check in quick for problem in check.problems}
        old = examination_jobs.findings_of(last)
        found += [finding for finding in old if finding.code not in fresh]
    return {"findings": found, "last": last, "mended": any(each.mended for each in found)}

"""The system check as a job: for the page, which waits for no disk full of files."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from creativefilter.accounts.audit import Action, record
from creativefilter.doctor import examination
from creativefilter.doctor.examination import Report
from creativefilter.jobs import lifecycle
from creativefilter.jobs.kinds import Kind, ResultText, Save, Stage, nothing, register
from creativefilter.jobs.models import Job
from creativefilter.jobs.progress import Progress
from creativefilter.site import doctor
from creativefilter.site.doctor import Check


def start(owner: User, *, fix: bool) -> Job:
    """Have everything looked at, and with ``fix`` mended what is safe.

    Returns the job; one that is open already is enough unless it mends less. Raises
    ``QuotaExceeded``.
    """
    if (job := under_way()) and (job.params["fix"] or not fix):
        return job
    with transaction.atomic():
        if fix:
            record(Action.SYSTEM_MENDED)
        return lifecycle.create(EXAMINE, {"fix": fix}, owner, Job.Urgency.LONG)


def under_way() -> Job | None:
    """The job that looks now, or waits for a worker."""
    return _newest(state__in=Job.OPEN)


def last_done() -> Job | None:
    """The newest job that has looked at everything."""
    return _newest(state=Job.State.DONE)


def last_failed() -> Job | None:
    """The newest job, if it did not come to its end."""
    job = _newest()
    return job if job and job.state == Job.State.FAILED else None


def found_by(job: Job) -> Report:
    """What a job that is done has found, and mended."""
    result = job.result or {"findings": [], "mended": []}
    return Report(doctor.of_json(result["findings"]), doctor.of_json(result["mended"]))


def _newest(**conditions: Any) -> Job | None:
    return Job.objects.filter(kind=EXAMINE.name, **conditions).order_by("-created_at").first()


def examine(job: Job) -> Save:
    """Look at everything."""
    progress = Progress(job, "cancelled")
    steps = len(doctor.every())
    begun = 0

    def begins(_check: Check) -> None:
        nonlocal begun
        progress.update(min(1.0, begun / steps))
        begun += 1

    report = examination.report(fix=job.params["fix"], begins=begins)
    result = {
        "findings": [finding.as_json() for finding in report.found],
        "mended": [finding.as_json() for finding in report.mended],
    }
    return lambda: result


def tell(job: Job) -> ResultText:
    """What was found, in sentences."""
    found = found_by(job).found
    rows = [(finding.sentence, finding.remedy) for finding in found]
    return ResultText([] if found else [_("Nothing is wrong.")], rows)


EXAMINE = register(
    Kind(
        gettext_noop("system_check"),
        (Stage(gettext_noop("examining"), "cpu", examine),),
        nothing,
        tell=tell,
    )
)

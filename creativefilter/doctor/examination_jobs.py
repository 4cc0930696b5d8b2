"""The system check as a job: checks of many files take too long for a request."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import get_language, gettext_noop, override
from django.utils.translation import gettext as _

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
    """Queue a job that runs all checks and, with ``fix``, the repairs.

    Returns:
        A new job; or the open one, unless it lacks a ``fix`` that is asked for.

    Raises:
        QuotaExceeded: The owner has too many open jobs.
    """
    if (job := under_way()) and (job.params["fix"] or not fix):
        return job
    with transaction.atomic():
        if fix:
            record(Action.SYSTEM_MENDED)
        params = {"fix": fix, "language": get_language()}
        return lifecycle.create(EXAMINE, params, owner, Job.Urgency.LONG)


def under_way() -> Job | None:
    """Return the newest open job of this kind."""
    return _newest(state__in=Job.OPEN)


def last_done() -> Job | None:
    """Return the newest job of this kind that is done."""
    return _newest(state=Job.State.DONE)


def last_failed() -> Job | None:
    """Return the newest job of this kind if it failed."""
    job = _newest()
    return job if job and job.state == Job.State.FAILED else None


def found_by(job: Job) -> Report:
    """Return the report that a done job stored."""
    result = job.result or {}
    return Report(
        doctor.of_json(result.get("findings", [])), doctor.of_json(result.get("repaired", []))
    )


def _newest(**conditions: Any) -> Job | None:
    return Job.objects.filter(kind=EXAMINE.name, **conditions).order_by("-created_at").first()


def examine(job: Job) -> Save:
    """Run the stage "examining": all checks, and the repairs if ``job.params["fix"]``."""
    progress = Progress(job, "cancelled")
    steps = len(doctor.registered())
    started = 0

    def on_start(_check: Check) -> None:
        nonlocal started
        # A repair runs the checks twice, hence more than ``steps`` calls.
        progress.update(min(1.0, started / steps))
        started += 1

    # Facts of findings hold sentences. Jobs of the previous release name no language.
    with override(job.params.get("language") or settings.LANGUAGE_CODE):
        report = examination.report(fix=job.params["fix"], on_start=on_start)
    result = {
        "findings": [finding.as_json() for finding in report.found],
        "repaired": [finding.as_json() for finding in report.repaired],
    }
    return lambda: result


def result_text(job: Job) -> ResultText:
    """Return the findings with their remedies in the reader's language."""
    found = found_by(job).found
    rows = [(finding.sentence, finding.remedy) for finding in found]
    return ResultText([] if found else [_("Nothing is wrong.")], rows)


EXAMINE = register(
    Kind(
        gettext_noop("system_check"),
        (Stage(gettext_noop("examining"), "cpu", examine),),
        nothing,
        result_text=result_text,
    )
)

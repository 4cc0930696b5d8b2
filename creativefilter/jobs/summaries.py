"""Description of a job for its page, in the words of the analysts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from django.apps import apps
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.urls import NoReverseMatch, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from creativefilter.jobs import kinds, timings
from creativefilter.jobs.models import Job
from creativefilter.jobs.timings import StageTime


@dataclass(frozen=True, slots=True)
class Story:
    """Texts and buttons on the page of a job.

    Attributes:
        title: The kind, translated.
        standing: The state; for a queued job also how many jobs come before it.
        error: Why the job failed; "" if it did not.
        subject: The row that the job works on, as text; "" if its kind names none.
        subject_url: The admin page of that row; "" if there is none.
        outcome: The result in words; None if there is none.
        stages: The stages with translated names and states.
        may_retry: Whether the button "retry" is shown.
        may_cancel: Whether the button "cancel" is shown.
    """

    title: str
    standing: str
    error: str
    subject: str
    subject_url: str
    outcome: kinds.ResultText | None
    stages: list[StageTime]
    may_retry: bool
    may_cancel: bool


def story_of(job: Job, user: AbstractBaseUser | AnonymousUser) -> Story:
    """Describe a job; the permissions of ``user`` decide on the buttons only."""
    kind = kinds.find(job.kind)
    subject, url = _subject(job, kind)
    may_change = kind is not None and user.has_perm("jobs.change_job")  # type: ignore[union-attr]
    failed = job.state == Job.State.FAILED
    return Story(
        title=capfirst(_(job.kind)),
        standing=_standing(job),
        error=kind.explain(job) if failed and kind else "",
        subject=subject,
        subject_url=url,
        outcome=outcome_of(job),
        stages=[
            replace(stage, name=_(stage.name), state=_state(stage.state))
            for stage in timings.stages_of(job)
        ],
        may_retry=may_change and job.state in (Job.State.FAILED, Job.State.CANCELLED),
        may_cancel=may_change and not job.is_final,
    )


def outcome_of(job: Job) -> kinds.ResultText | None:
    """Return the result of a done job in words; None if it is not done or its kind has no words."""
    kind = kinds.find(job.kind)
    return kind.result_text(job) if kind and job.state == Job.State.DONE else None


def _standing(job: Job) -> str:
    if job.state != Job.State.QUEUED:
        return str(job.get_state_display())
    place = timings.places([job]).get(job.pk, 0)
    if not place:
        return _("Queued: next in line.")
    text = ngettext(
        "Queued: %(count)d job comes before it.",
        "Queued: %(count)d jobs come before it.",
        place,
    )
    return text % {"count": place}


def _state(state: str) -> str:
    if state == "waiting":
        return _("not yet")
    if state == "skipped":
        return _("done before, by another job")
    return str(Job.State(state).label)


def _subject(job: Job, kind: kinds.Kind | None) -> tuple[str, str]:
    """Return name and admin page of the row that the job works on; blank where there is none."""
    if kind is None or kind.subject is None:
        return "", ""
    model: Any = apps.get_model(kind.subject.model)
    row = model._default_manager.filter(pk=job.params.get(kind.subject.param)).first()
    if row is None:
        return _("The object of this job does not exist any more."), ""
    try:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
        return str(row), reverse(name, args=[row.pk])
    except NoReverseMatch:
        return str(row), ""

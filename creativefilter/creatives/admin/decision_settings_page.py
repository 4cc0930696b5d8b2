"""The page of the settings of decisions: thresholds, form with preview, progress, history."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creativefilter.creatives import decision_settings
from creativefilter.creatives.analysis import engines, redecision
from creativefilter.creatives.analysis.preview import Change, Preview, preview
from creativefilter.creatives.channel_names import channels_text
from creativefilter.creatives.models import (
    Creative,
    DecisionInputs,
    DecisionSettings,
    ModelVersion,
    Segment,
)
from creativefilter.jobs import lifecycle, timings
from creativefilter.jobs.models import Job
from creativefilter.ui.formats import format_number, format_percent
from creativefilter.ui.pages import page_context, person
from creativefilter.ui.row_access import ReadOnlyAdmin

PAGE = "admin:creatives_decisionsettings_changelist"
HISTORY = 20


class DecisionForm(forms.Form):
    """Target precision in per cent, and one share for each segment or none."""

    percent = forms.FloatField(min_value=50, max_value=99.9)
    mix = forms.ChoiceField(
        choices=[
            ("labels", gettext_lazy("as in the labels of the model version")),
            ("shares", gettext_lazy("these shares:")),
        ],
        widget=forms.RadioSelect,
    )
    note = forms.CharField(max_length=255, required=False)

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.segments = list(Segment.objects.unmerged())
        for segment in self.segments:
            self.fields[f"share_{segment.number}"] = forms.FloatField(min_value=0, required=False)

    @classmethod
    def of(cls, row: DecisionSettings) -> DecisionForm:
        """Return a form that shows these settings."""
        shares = {f"share_{number}": share for number, share in (row.mix or {}).items()}
        percent = round(100 * row.precision, 3)
        return cls(initial={"percent": percent, "mix": "shares" if row.mix else "labels", **shares})

    def clean(self) -> dict[str, Any]:
        """Refuse a mix without any share above 0."""
        if self.cleaned_data.get("mix") == "shares" and not any(self._shares().values()):
            raise forms.ValidationError(_("Enter a share above 0 for one segment at least."))
        return self.cleaned_data

    def shares(self) -> dict[int, float] | None:
        """Return the mix; segments without a number keep their share."""
        return self._shares() if self.cleaned_data["mix"] == "shares" else None

    def _shares(self) -> dict[int, float]:
        found = {one.number: self.cleaned_data.get(f"share_{one.number}") for one in self.segments}
        return {number: share for number, share in found.items() if share is not None}

    @property
    def precision(self) -> float:
        return float(self.cleaned_data["percent"]) / 100

    def rows(self) -> list[tuple[Segment, Any]]:
        """Return each segment with its field."""
        return [(segment, self[f"share_{segment.number}"]) for segment in self.segments]


@admin.register(DecisionSettings)
class DecisionSettingsAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "precision", "author", "note")
    fields = ("created_at", "precision", "mix", "author", "note")

    class Media:
        css = {"all": ("creativefilter/creatives.css", "creativefilter/relabel.css")}

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the settings; POST previews or applies others, or cancels or repeats the job.

        Raises:
            PermissionDenied: The user may not see the settings, or not change them.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        form, shown = DecisionForm.of(decision_settings.current()), None
        if request.method == "POST":
            if not request.user.has_perm("creatives.add_decisionsettings"):
                raise PermissionDenied
            if "cancel" in request.POST or "again" in request.POST:
                return _act(request)
            form = DecisionForm(request.POST)
            if form.is_valid():
                if "apply" in request.POST:
                    return _apply(request, form)
                shown = _previewed(request, form)
        context = {
            **page_context(self, request, _("Decisions")),
            "opts": self.opts,
            "form": form,
            "shown": shown,
            "current": _described(decision_settings.current()),
            "thresholds": _thresholds(),
            "job": _progress(),
            "waiting": _waiting(),
            "may_set": request.user.has_perm("creatives.add_decisionsettings"),
            "history": [
                _described(row)
                for row in DecisionSettings.objects.select_related("author")[:HISTORY]
            ],
        }
        return TemplateResponse(request, "creatives/decision_settings.html", context)


def _apply(request: HttpRequest, form: DecisionForm) -> HttpResponse:
    with transaction.atomic():
        decision_settings.change(
            form.precision, form.shares(), person(request), form.cleaned_data["note"]
        )
        queued = redecision.decide_again(person(request))
    count = queued.creatives if queued else 0
    messages.success(request, _("Set. Creatives that are decided again: %d.") % count)
    return redirect(PAGE)


def _act(request: HttpRequest) -> HttpResponse:
    """Cancel the job, or queue it again."""
    if "again" in request.POST:
        redecision.decide_again(person(request))
    elif job := redecision.latest():
        lifecycle.cancel(job)
    return redirect(PAGE)


def _previewed(request: HttpRequest, form: DecisionForm) -> dict[str, Any] | None:
    from classifier.artefact import ArtefactError
    from creativefilter.creatives.model_versions import NoActiveModelError

    try:
        found = preview(form.precision, form.shares())
    except (ArtefactError, NoActiveModelError) as error:
        messages.error(request, str(error))
        return None
    return _context_of(found, Segment.objects.in_bulk())


def _context_of(found: Preview, segments: dict[int, Segment]) -> dict[str, Any]:
    changes = [found.to_person, found.to_automatic, *found.segments.values()]
    examples = Creative.objects.in_bulk({pk for one in changes for pk in one.creatives})

    def row(title: str, change: Change) -> dict[str, Any]:
        known = [examples[pk] for pk in change.creatives if pk in examples]
        return {"title": title, "count": format_number(change.count), "examples": known}

    moved = sorted(found.segments.items(), key=lambda item: -item[1].count)
    return {
        "creatives": format_number(found.creatives),
        "unchanged": found.changed == 0,
        "before": _share(found.automatic_before, found.creatives),
        "after": _share(found.automatic_after, found.creatives),
        "decisions": [
            row(_("go to a person"), found.to_person),
            row(_("no longer need a person"), found.to_automatic),
        ],
        "segments": [
            row(f"{_name(old, segments)} → {_name(new, segments)}", change)
            for (old, new), change in moved
        ],
        "to_predict": format_number(found.to_predict) if found.to_predict else "",
    }


def _name(number: int | None, segments: dict[int, Segment]) -> str:
    return "—" if number is None else str(segments.get(number, number))


def _share(count: int, of: int) -> str:
    return f"{format_number(count)} ({format_percent(count / of)})" if of else "0"


def _described(row: DecisionSettings) -> dict[str, Any]:
    mix = row.priors or {}
    return {
        "row": row,
        "precision": format_percent(row.precision),
        "mix": ", ".join(f"{number}: {format_number(share, 2)}" for number, share in mix.items()),
    }


def _thresholds() -> list[dict[str, str]]:
    """Return the thresholds of the active version by channels, of those that creatives have."""
    from classifier.artefact import ArtefactError

    version = ModelVersion.objects.filter(is_active=True).first()
    if version is None:
        return []
    try:
        parameters = engines.parameters(version, decision_settings.current())
    except ArtefactError:
        return []
    masks = set(DecisionInputs.objects.order_by().values_list("mask", flat=True).distinct())
    return [
        {
            "channels": channels_text(mask),
            "least": format_number(least, 3) if (least := parameters.threshold(mask)) else "",
        }
        for mask in sorted(masks | set(parameters.thresholds))
        if mask
    ]


def _progress() -> dict[str, Any] | None:
    """Return state, progress and remaining time of the newest job."""
    job = redecision.latest()
    if job is None:
        return None
    seconds = timings.remaining(job)
    return {
        "row": job,
        "state": job.get_state_display(),
        "open": not job.is_final,
        "failed": job.state == Job.State.FAILED,
        "remaining": "" if seconds is None else format_number(seconds),
        "result": redecision.result_text(job) if job.state == Job.State.DONE else None,
    }


def _waiting() -> int:
    """Return how many creatives are not decided by the current settings and active version."""
    version = ModelVersion.objects.filter(is_active=True).first()
    return redecision.waiting(version, decision_settings.current()) if version else 0

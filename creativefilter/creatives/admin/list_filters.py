"""Filters of the list of creatives."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.filters import ChoicesFieldListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, RadioFilter

from creativefilter.creatives.channel_names import FORMER_STATES
from creativefilter.creatives.models import Creative, Label, LabelBatch, Prediction, Segment


class StateFilter(ChoicesFieldListFilter):
    """By the state; addresses that name a former value mean that of today."""

    def __init__(
        self, field: Any, request: HttpRequest, params: dict[str, Any], *args: Any, **options: Any
    ) -> None:
        for name in ("state", "state__exact", "state__in"):
            if name in params:
                params[name] = [_states_of_today(value) for value in params[name]]
        super().__init__(field, request, params, *args, **options)


def _states_of_today(value: str) -> str:
    """One value or, for ``state__in``, several with commas between them."""
    return ",".join(FORMER_STATES.get(one, one) for one in value.split(","))


class SegmentFilter(DropdownFilter):
    """By the effective segment: the label if there is one, else the prediction."""

    title = _("segment")
    parameter_name = "segment"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        known = [(str(segment.number), str(segment)) for segment in Segment.objects.all()]
        return [*known, ("none", str(_("Not classified")))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "none":
            return queryset.filter(effective_segment__isnull=True)
        if str(self.value() or "").isdecimal():
            return queryset.filter(effective_segment=self.value())
        return queryset


class ReviewedFilter(RadioFilter):
    """Whether a person's label stands."""

    title = _("reviewed")
    parameter_name = "reviewed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Labelled by a person")), ("no", _("Prediction only"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in ("yes", "no"):
            return queryset.filter(label_segment__isnull=self.value() == "no")
        return queryset


def _number(text: str | None) -> int:
    """A key out of an address; 0, which no row has, for what is none."""
    return int(text) if text and text.isdecimal() and len(text) < 19 else 0


class BatchFilter(DropdownFilter):
    """Those that got their label in one batch; shown where an address asks for a batch."""

    title = _("set at once")
    parameter_name = "batch"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        asked = request.GET.get(self.parameter_name, "")
        if not asked:
            return []
        batch = LabelBatch.objects.select_related("segment").filter(pk=_number(asked)).first()
        return [(asked, str(batch or asked))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        labels = Label.objects.filter(batch=_number(self.value()))
        return queryset.filter(pk__in=labels.order_by().values("creative"))


class DecisionFilter(RadioFilter):
    """Whether a person has to look: no label stands, and the active model version is not sure.

    What is still being worked on waits for the program, not for a person.
    """

    title = _("decision")
    parameter_name = "decision"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("person", _("Needs a person")), ("made", _("Sure enough or set by a person"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        made = Q(label_segment__isnull=False) | Q(decision=Prediction.Decision.AUTO)
        if self.value() == "made":
            return queryset.filter(made)
        if self.value() == "person":
            ended = (Creative.State.DONE, Creative.State.FAILED)
            doubted = Q(decision__isnull=True) | Q(decision=Prediction.Decision.REVIEW)
            return queryset.filter(doubted, label_segment__isnull=True, state__in=ended)
        return queryset

"""Filters of the list of creatives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.admin.filters import ChoicesFieldListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, RadioFilter

from creativefilter.creatives.admin.segment_choice import SegmentDropdown, note_merge
from creativefilter.creatives.channel_names import FORMER_STATES
from creativefilter.creatives.models import Creative, Label, LabelBatch, Prediction, Segment
from creativefilter.creatives.segments.directory import Directory, grouped
from creativefilter.ui.pages import number_of


class StateFilter(ChoicesFieldListFilter):
    """By state. Former names of states in an address are replaced by the present ones."""

    def __init__(
        self, field: Any, request: HttpRequest, params: dict[str, Any], *args: Any, **options: Any
    ) -> None:
        for name in ("state", "state__exact", "state__in"):
            if name in params:
                params[name] = [_states_of_today(value) for value in params[name]]
        super().__init__(field, request, params, *args, **options)


def _states_of_today(value: str) -> str:
    """Replace former names in a value, or in several separated by commas (``state__in``)."""
    return ",".join(FORMER_STATES.get(one, one) for one in value.split(","))


class SegmentFilter(DropdownFilter):
    """By effective segment. The number of a merged one in an address selects its target."""

    title = _("segment")
    parameter_name = "segment"
    form_class = SegmentDropdown

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any
    ) -> None:
        self.directory = Directory.read()
        if values := params.get(self.parameter_name):
            asked = number_of(values[-1])
            note_merge(request, self.directory, asked)
            if asked in self.directory.by_number:
                params[self.parameter_name] = [str(self.directory.counted_number(asked))]
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        groups = self._groups()
        known = [(str(one.number), one) for _name, segments in groups for one in segments]
        return [*known, ("none", _("Not classified"))]

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        groups = [
            (name, [(str(one.number), one) for one in segments])
            for name, segments in self._groups()
        ]
        for shown in super().choices(changelist):
            field = shown["form"].fields[self.parameter_name]
            field.choices = [self.all_option, *groups, ("none", _("Not classified"))]
            yield shown

    def _groups(self) -> list[tuple[str, list[Segment]]]:
        """Return the segments in use by group, with a retired one if it is selected."""
        selected = self.directory.by_number.get(number_of(self.value()))
        retired = [selected] if selected and selected.retired_at else []
        return grouped([*self.directory.in_use(), *retired])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "none":
            return queryset.filter(effective_segment__isnull=True)
        if str(self.value() or "").isdecimal():
            return queryset.filter(effective_segment=number_of(self.value()))
        return queryset


class ReviewedFilter(RadioFilter):
    """By whether the effective segment is a label."""

    title = _("reviewed")
    parameter_name = "reviewed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Labelled by a person")), ("no", _("Not labelled by a person"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in ("yes", "no"):
            return queryset.filter(label_segment__isnull=self.value() == "no")
        return queryset


class BatchFilter(DropdownFilter):
    """By label batch; shown only if the address names one."""

    title = _("label batch")
    parameter_name = "batch"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        asked = request.GET.get(self.parameter_name, "")
        if not asked:
            return []
        batch = LabelBatch.objects.select_related("segment").filter(pk=number_of(asked)).first()
        return [(asked, str(batch or asked))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        labels = Label.objects.filter(batch=number_of(self.value()))
        return queryset.filter(pk__in=labels.order_by().values("creative"))


class DecisionFilter(RadioFilter):
    """By whether a person has to decide.

    That is so if the analysis has ended, there is no label, and the active version made no
    prediction or decided ``review``. Creatives that are being analysed may match neither choice.
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

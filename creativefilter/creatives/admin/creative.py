"""Admin of creatives: the list with progress, the upload page, the page of one creative."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST
from unfold.decorators import action, display

from creativefilter.creatives import ids
from creativefilter.creatives.admin.creative_page import page_of, shown_prediction
from creativefilter.creatives.admin.family_page import LabelsFamilies, offer
from creativefilter.creatives.admin.id_search import FindsIds
from creativefilter.creatives.admin.label_batch_page import SetsSegments
from creativefilter.creatives.admin.list_filters import (
    BatchFilter,
    DecisionFilter,
    ReviewedFilter,
    SegmentFilter,
    StateFilter,
)
from creativefilter.creatives.admin.retry_failed_page import RetriesFailed
from creativefilter.creatives.admin.segment_choice import chosen_segment
from creativefilter.creatives.admin.upload_page import add_from
from creativefilter.creatives.analysis import evidence, jobs
from creativefilter.creatives.demonstration import remove_demonstration
from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import Creative, Prediction
from creativefilter.creatives.segments.directory import Directory
from creativefilter.creatives.stored_ids import TakenError, set_advertisement_id
from creativefilter.jobs.quota import QuotaExceeded
from creativefilter.site.codes import CodedError, sentence
from creativefilter.ui.formats import format_moment, format_number
from creativefilter.ui.pages import person
from creativefilter.ui.upload_list import Status, UploadForm, UploadListAdmin


@admin.register(Creative)
class CreativeAdmin(FindsIds, LabelsFamilies, RetriesFailed, SetsSegments, UploadListAdmin):
    list_display = ("title", "status", "segment", "decided", "seconds", "added")
    list_display_links = ("title",)
    list_filter = (
        ("state", StateFilter),
        SegmentFilter,
        DecisionFilter,
        ReviewedFilter,
        "is_demo",
        "is_exam",
        BatchFilter,
    )
    list_filter_submit = True
    list_select_related = ("job", "current_media")
    search_fields = (
        "advertisement_id",
        "name",
        "media__transcripts__speech",
        "media__readings__text",
    )
    search_help_text = gettext_lazy("ID, file name, words spoken or shown")
    actions = ("set_segment", "analyse_again")
    actions_list = ("needing_a_person", "batches", "retry_failed", "remove_demo")

    url_prefix = "creatives"
    upload_title = gettext_lazy("Add creatives")
    upload_form = UploadForm(
        icon="upload_file",
        title=gettext_lazy("Choose files or drop them here"),
        hints=(
            gettext_lazy(
                "wav, mp4, avi, flv, webm (wbm), ogg, ogv, or a zip archive of them. If a file's "
                "name is a number, that number becomes its Advertisement ID."
            ),
        ),
        button=gettext_lazy("Add"),
        field="files",
        multiple=True,
        more="creatives/id_table.html",
    )
    page_template = "creatives/creative.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Creative]:
        return super().get_queryset(request).with_effective_segment()

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/label/", wrap(require_POST(self.label)), name="creatives_label"),
            path(
                "<int:pk>/identify/", wrap(require_POST(self.identify)), name="creatives_identify"
            ),
            path("<int:pk>/again/", wrap(require_POST(self.again)), name="creatives_again"),
            path("<int:pk>/explain/", wrap(require_POST(self.explain)), name="creatives_explain"),
            *super().get_urls(),
        ]

    # The list

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        self.directory = Directory.read()
        return super().changelist_view(request, extra_context)

    @display(description=gettext_lazy("creative"), ordering="name")
    def title(self, creative: Creative) -> str:
        demo = format_html(' <span class="cf-tag">{}</span>', _("demo")) if creative.is_demo else ""
        return format_html("{}{}", creative.name, demo)

    def status_of(self, row: Creative) -> Status:
        done = row.state in (Creative.State.DONE, Creative.State.FAILED)
        return Status(
            id=row.pk,
            state=row.state,
            title=row.get_state_display(),
            percent=row.job.progress if row.job and not done else 100,
            final=done,
            message=sentence(row.error_code),
        )

    @display(description=gettext_lazy("state"), ordering="state")
    def status(self, creative: Creative) -> str:
        return self.status_cell(creative)

    @display(description=gettext_lazy("segment"))
    def segment(self, creative: Any) -> str:
        if creative.effective_segment is not None:
            return self.directory.title(creative.effective_segment)
        return sentence(creative.error_code or creative.reason or "") or "—"

    @display(description=gettext_lazy("decided by"), ordering="probability")
    def decided(self, creative: Any) -> str:
        if creative.label_segment is not None:
            return _("a person")
        sure = "—"
        if creative.probability is not None:
            sure = _("the model, %d%%") % round(100 * creative.probability)
        if creative.decision != Prediction.Decision.REVIEW:
            return sure
        return format_html('{} <span class="cf-tag cf-doubt">{}</span>', sure, _("needs a person"))

    @display(description=gettext_lazy("seconds"), ordering="current_media__seconds")
    def seconds(self, creative: Creative) -> str:
        media = creative.current_media
        return format_number(media.seconds, 1) if media and media.seconds else "—"

    @display(description=gettext_lazy("added"), ordering="pk")
    def added(self, creative: Creative) -> str:
        return format_moment(creative.created_at)

    @action(description=gettext_lazy("Analyse again"), permissions=["change"])
    def analyse_again(self, request: HttpRequest, queryset: QuerySet[Creative]) -> None:
        queued, refused = 0, 0
        for creative in queryset:
            try:
                jobs.analyse_again(creative, person(request))
                queued += 1
            except CodedError:
                refused += 1
            except QuotaExceeded as error:
                messages.error(request, str(error))
                break
        if queued:
            text = ngettext(
                "%d creative is being analysed again.",
                "%d creatives are being analysed again.",
                queued,
            )
            messages.success(request, text % queued)
        if refused:
            text = ngettext(
                "%d creative is being analysed already or has no file.",
                "%d creatives are being analysed already or have no file.",
                refused,
            )
            messages.warning(request, text % refused)

    @action(description=gettext_lazy("Needs a person"), icon="person_search")
    def needing_a_person(self, request: HttpRequest) -> HttpResponse:
        onward = reverse("admin:creatives_creative_changelist")
        return redirect(f"{onward}?{DecisionFilter.parameter_name}=person")

    @action(
        description=gettext_lazy("Remove demonstration creatives"),
        permissions=["delete"],
        icon="delete_sweep",
        dialog={
            "title": gettext_lazy("Remove all demonstration creatives?"),
            "description": gettext_lazy(
                "They are removed with their files; your own creatives stay."
            ),
            "form_class": None,
            "form_submit_text": gettext_lazy("Remove"),
        },
    )
    def remove_demo(self, request: HttpRequest, form: Any) -> HttpResponse:
        count = remove_demonstration()
        text = ngettext(
            "%d demonstration creative was removed.",
            "%d demonstration creatives were removed.",
            count,
        )
        messages.success(request, text % count)
        onward = reverse("admin:creatives_creative_changelist")
        return HttpResponse(headers={"HX-Redirect": onward})

    # Adding files

    def receive(self, request: HttpRequest) -> str | None:
        if add_from(request, person(request)):
            return reverse("admin:creatives_creative_changelist")
        return None

    # One creative

    def context_of(self, request: HttpRequest, row: Creative) -> dict[str, Any]:
        return {**page_of(row), "may_label": request.user.has_perm("creatives.add_label")}

    def label(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Add a label; with ``withdraw`` in the form, withdraw the newest one.

        Raises:
            PermissionDenied: The user may not set labels.
            Http404: There is no such creative.
        """
        if not request.user.has_perm("creatives.add_label"):
            raise PermissionDenied
        creative = get_object_or_404(Creative, pk=pk)
        # The form sends the chosen segment with the withdraw button, too.
        withdraws = "withdraw" in request.POST
        segment = None if withdraws else chosen_segment(request, request.POST.get("segment"))
        if segment is None and not withdraws:
            messages.error(request, _("Choose a segment."))
        else:
            note = request.POST.get("note", "").replace("\x00", "")[:255]
            set_label(creative, segment, person(request), note)
            messages.success(
                request,
                _("The segment is set: %s.") % segment
                if segment
                else _("The label is withdrawn; the prediction counts again."),
            )
            if segment:
                offer(request, creative, segment)
        return redirect(reverse("admin:creatives_creative_change", args=[pk]))

    def identify(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Set the Advertisement ID of a creative; a blank one clears it.

        Raises:
            PermissionDenied: The user may not change creatives.
            Http404: There is no such creative.
        """
        creative = get_object_or_404(Creative, pk=pk)
        if not self.has_change_permission(request, creative):
            raise PermissionDenied
        given = request.POST.get("advertisement_id", "").replace("\x00", "").strip()[:64]
        try:
            set_advertisement_id(creative, given)
        except TakenError:
            messages.error(request, _("Another creative has the Advertisement ID %s.") % given)
        except ids.IdError as error:
            messages.error(request, capfirst(str(error)))
        else:
            known = creative.advertisement_id or "—"
            messages.success(request, _("Advertisement ID: %s.") % known)
        return redirect(reverse("admin:creatives_creative_change", args=[pk]))

    def again(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Analyse one creative again.

        Raises:
            PermissionDenied: The user may not change creatives.
            Http404: There is no such creative.
            QuotaExceeded: The user has too many open jobs; a middleware shows this as a message.
        """
        creative = get_object_or_404(Creative, pk=pk)
        if not self.has_change_permission(request, creative):
            raise PermissionDenied
        try:
            jobs.analyse_again(creative, person(request))
        except CodedError as error:
            messages.warning(request, str(error))
        return redirect(reverse("admin:creatives_creative_change", args=[pk]))

    def explain(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Compute the evidence of the prediction that the creative's page shows.

        Raises:
            PermissionDenied: The user may not set labels.
            Http404: There is no such creative.
            QuotaExceeded: The user has too many open jobs; a middleware shows this as a message.
        """
        if not request.user.has_perm("creatives.add_label"):
            raise PermissionDenied
        prediction = shown_prediction(get_object_or_404(Creative, pk=pk))
        if prediction:
            evidence.request(prediction, person(request))
        return redirect(reverse("admin:creatives_creative_change", args=[pk]))

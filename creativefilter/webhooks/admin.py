"""Admin pages of webhooks. Each user sees only their own, whatever their role."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from creativefilter.site.codes import sentence
from creativefilter.ui.formats import format_moment
from creativefilter.ui.pages import person
from creativefilter.ui.row_access import OwnRowsAdmin, ReadOnlyAdmin
from creativefilter.webhooks import addresses, endpoints, outbox
from creativefilter.webhooks.endpoints import EndpointError
from creativefilter.webhooks.models import TEST_EVENT, Delivery, Endpoint, Event

SHOWN_DELIVERIES = 20
# Characters of an answer that lists show.
SHOWN_ANSWER = 80
# Characters of a webhook's description or address that lists show.
SHOWN_NAME = 40

_LABELS = {
    Delivery.State.DELIVERED: "success",
    Delivery.State.FAILED: "danger",
    Delivery.State.PENDING: "info",
}


def event_title(event: str) -> str:
    return _("test") if event == TEST_EVENT else str(Event(event).label)


def outcome_text(delivery: Delivery) -> str:
    """Return the beginning of the answer, or the reason why there is none."""
    if delivery.error:
        return sentence(delivery.error)
    if delivery.status_code is None:
        return "—"
    return f"{delivery.status_code} {delivery.answer[:SHOWN_ANSWER]}".strip()


class EndpointForm(forms.ModelForm):
    events = forms.MultipleChoiceField(
        label=gettext_lazy("Events"),
        choices=Event.choices,
        initial=Event.values,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    class Meta:
        model = Endpoint
        fields = ("url", "description", "events", "active")
        help_texts = {
            "url": gettext_lazy(
                "Address of the program that receives the events, for example "
                "https://hooks.example.com/creatives. Public addresses only."
            ),
            "description": gettext_lazy("For your own use: what this webhook is for."),
        }

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        try:
            addresses.parse(url)
        except addresses.AddressError as error:
            raise forms.ValidationError(str(error), error.code) from error
        return url


class WebhooksAdmin(OwnRowsAdmin):
    """Base class of both admin classes. The response for a row of another user is 404."""

    class Media:
        css = {"all": ("creativefilter/creatives.css", "creativefilter/webhooks.css")}

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is None:
            raise Http404
        return found


@admin.register(Endpoint)
class EndpointAdmin(WebhooksAdmin):
    owner_field = "owner"
    form = EndpointForm
    list_display = ("url", "description", "shown_events", "status", "created_at")
    actions = None
    change_form_template = "webhooks/endpoint.html"

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        views = {
            "<uuid:pk>/test/": ("test", self.test),
            "<uuid:pk>/secret/": ("secret", self.new_secret),
            "<uuid:pk>/again/<uuid:delivery>/": ("again", self.again),
        }
        return [
            *(
                path(route, wrap(require_POST(cast(Any, view))), name=f"webhooks_endpoint_{name}")
                for route, (name, view) in views.items()
            ),
            *super().get_urls(),
        ]

    # List

    @display(description=gettext_lazy("events"))
    def shown_events(self, endpoint: Endpoint) -> str:
        return ", ".join(event_title(event) for event in endpoint.events)

    @display(description=gettext_lazy("state"), label={"on": "success", "bad": "danger"})
    def status(self, endpoint: Endpoint) -> tuple[str, str]:
        if endpoint.off_reason:
            return "bad", _("Switched off")
        if not endpoint.active:
            return "off", _("Off")
        return ("bad", _("Failing")) if endpoint.failures else ("on", _("On"))

    # Add and change

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, **kwargs)
        full = obj is None and endpoints.of(person(request)).count() >= endpoints.PER_USER
        if not full:
            return form

        class Full(form):  # type: ignore[valid-type, misc]
            def clean(self) -> Any:
                raise forms.ValidationError(sentence("webhook_too_many"), "webhook_too_many")

        return Full

    def save_model(self, request: HttpRequest, obj: Endpoint, form: Any, change: bool) -> None:
        fields = {name: form.cleaned_data[name] for name in EndpointForm.Meta.fields}
        try:
            if change:
                saved = endpoints.change(Endpoint.objects.get(pk=obj.pk), fields)
            else:
                saved, secret = endpoints.register(person(request), **fields)
                request.webhook_secret = secret  # type: ignore[attr-defined]
        except EndpointError as error:  # the form has checked; a concurrent request was faster
            raise PermissionDenied(str(error)) from error
        obj.__dict__.update(saved.__dict__)

    def response_add(
        self, request: HttpRequest, obj: Endpoint, post_url_continue: Any = None
    ) -> HttpResponse:
        return self._secret_page(request, obj, request.webhook_secret)  # type: ignore[attr-defined]

    def _secret_page(self, request: HttpRequest, endpoint: Endpoint, secret: str) -> HttpResponse:
        """Show the secret in the response itself: a message would be stored until the next page."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("The secret of the webhook"),
            "media": self.media,
            "original": endpoint,
            "secret": secret,
        }
        response = TemplateResponse(request, "webhooks/secret.html", context)
        response["Cache-Control"] = "no-store"
        return response

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        endpoint = self.get_object(request, object_id)
        latest = endpoint.deliveries.select_related("endpoint")[:SHOWN_DELIVERIES]
        history = reverse("admin:webhooks_delivery_changelist")
        context = {
            "deliveries": [row_of(delivery) for delivery in latest],
            "history": f"{history}?endpoint__id__exact={endpoint.pk}",
            "may_change": self.has_change_permission(request, endpoint),
            "off_reason": endpoint.get_off_reason_display() if endpoint.off_reason else "",
        }
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **context}
        )

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, ...]:
        """Count the deliveries instead of listing them: there may be very many."""
        delivery_count = sum(each.deliveries.count() for each in objs)
        counts = {
            self.opts.verbose_name_plural: len(objs),
            Delivery._meta.verbose_name_plural: delivery_count,
        }
        return [str(each) for each in objs], counts, set(), []

    # Actions on one webhook

    def _own_endpoint(self, request: HttpRequest, pk: Any) -> Endpoint:
        if not self.has_change_permission(request):
            raise PermissionDenied
        return get_object_or_404(self.get_queryset(request), pk=pk)

    def test(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Send a test event."""
        endpoint = self._own_endpoint(request, pk)
        try:
            outbox.send_test(endpoint)
        except EndpointError as error:
            messages.error(request, str(error))
        else:
            messages.success(
                request, _("A test event is being sent; reload the page to see the result.")
            )
        return redirect("admin:webhooks_endpoint_change", endpoint.pk)

    def new_secret(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Replace the secret and show the new one once."""
        endpoint = self._own_endpoint(request, pk)
        return self._secret_page(request, endpoint, endpoints.new_secret(endpoint))

    def again(self, request: HttpRequest, pk: Any, delivery: Any) -> HttpResponse:
        """Send a delivery again."""
        endpoint = self._own_endpoint(request, pk)
        send_again(request, get_object_or_404(endpoint.deliveries, pk=delivery))
        return redirect("admin:webhooks_endpoint_change", endpoint.pk)


def row_of(delivery: Delivery) -> dict[str, Any]:
    """Return a row of an endpoint's history, for the template."""
    return {
        "pk": delivery.pk,
        "event": event_title(delivery.event),
        "job": delivery.job,
        "state": delivery.get_state_display(),
        "look": _LABELS[Delivery.State(delivery.state)],
        "attempts": delivery.attempts,
        "answer": outcome_text(delivery),
        "created": format_moment(delivery.created_at),
        "next": format_moment(delivery.next_try),
    }


def send_again(request: HttpRequest, delivery: Delivery) -> None:
    try:
        outbox.send_again(delivery)
    except EndpointError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request, _("The event is being sent again; reload the page to see the result.")
        )


class OwnEndpointFilter(RelatedDropdownFilter):
    """Filter by the endpoints of the logged-in user."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: Any
    ) -> list[tuple[Any, str]]:
        own = {"pk__in": endpoints.of(person(request)).values("pk")}
        return field.get_choices(include_blank=False, limit_choices_to=own)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin, WebhooksAdmin):
    owner_field = "endpoint__owner"
    list_display = (
        "shown_created", "shown_event", "shown_job", "shown_endpoint", "shown_state", "attempts",
        "shown_answer", "shown_next",
    )  # fmt: skip
    list_filter = (("endpoint", OwnEndpointFilter), "state", "event")
    list_filter_submit = True
    list_per_page = 50
    list_select_related = ("endpoint",)
    fields = (
        "created_at", "endpoint", "shown_event", "shown_job", "state", "attempts",
        "last_attempt_at", "shown_next", "status_code", "shown_error", "answer", "shown_body",
    )  # fmt: skip
    readonly_fields = fields
    actions = None
    actions_row = ("send_again",)
    actions_detail = ("send_again",)

    def has_resend_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        if object_id is not None:
            # Check the owner before the confirmation dialog is shown, too.
            get_object_or_404(self.get_queryset(request), pk=object_id)
        return request.user.has_perm("webhooks.change_endpoint")

    @display(description=gettext_lazy("event"), ordering="event")
    def shown_event(self, delivery: Delivery) -> str:
        return event_title(delivery.event)

    @display(description=gettext_lazy("job"))
    def shown_job(self, delivery: Delivery) -> str:
        if delivery.job is None:
            return "—"
        return format_html(
            '<a class="cf-link" href="{}">{}</a>',
            reverse("admin:jobs_job_change", args=[delivery.job]),
            str(delivery.job)[:8],
        )

    @display(description=gettext_lazy("created"), ordering="created_at")
    def shown_created(self, delivery: Delivery) -> str:
        return format_moment(delivery.created_at)

    @display(description=gettext_lazy("webhook"), ordering="endpoint__url")
    def shown_endpoint(self, delivery: Delivery) -> str:
        url = delivery.endpoint.url.partition("://")[2]
        return delivery.endpoint.description[:SHOWN_NAME] or url[:SHOWN_NAME]

    @display(description=gettext_lazy("state"), ordering="state", label=_LABELS)
    def shown_state(self, delivery: Delivery) -> tuple[str, str]:
        return delivery.state, delivery.get_state_display()

    @display(description=gettext_lazy("answer"))
    def shown_answer(self, delivery: Delivery) -> str:
        return outcome_text(delivery)

    @display(description=gettext_lazy("error"))
    def shown_error(self, delivery: Delivery) -> str:
        return sentence(delivery.error) if delivery.error else "—"

    @display(description=gettext_lazy("next try"))
    def shown_next(self, delivery: Delivery) -> str:
        return format_moment(delivery.next_try)

    @display(description=gettext_lazy("what is sent"))
    def shown_body(self, delivery: Delivery) -> str:
        return format_html('<pre style="white-space:pre-wrap">{}</pre>', delivery.body)

    @action(
        description=gettext_lazy("Send again"),
        permissions=["resend"],
        icon="send",
        dialog={
            "title": gettext_lazy("Send this event again?"),
            "description": gettext_lazy(
                "Number and text stay the same, so that the program recognises an event that it "
                "already received."
            ),
            "form_class": None,
            "form_submit_text": gettext_lazy("Send again"),
        },
    )
    def send_again(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        send_again(request, get_object_or_404(self.get_queryset(request), pk=object_id))
        address = reverse("admin:webhooks_delivery_changelist")
        return HttpResponse(headers={"HX-Redirect": address})

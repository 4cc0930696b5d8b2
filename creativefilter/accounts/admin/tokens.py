"""Admin pages of access tokens: users see their own, leads all. Deleting a token revokes it."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from knox.models import AuthToken
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from creativefilter.accounts import tokens
from creativefilter.accounts.models import TokenDetails
from creativefilter.ui.model_admin import ModelAdmin

# Knox's own page shows no names and does not limit users to their own tokens.
admin.site.unregister(AuthToken)
# The page that deletes a user lists tokens under these names; knox has only English ones.
AuthToken._meta.verbose_name = gettext_lazy("access token")
AuthToken._meta.verbose_name_plural = gettext_lazy("access tokens")


class NewTokenForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("name"),
        max_length=100,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("The program that will use it, or what it is for."),
    )
    days = forms.IntegerField(
        label=gettext_lazy("valid for, days"),
        min_value=1,
        max_value=settings.TOKEN_DAYS,
        initial=settings.TOKEN_DAYS,
        widget=UnfoldAdminIntegerFieldWidget,
    )


@admin.register(TokenDetails)
class TokenDetailsAdmin(ModelAdmin):
    list_display_links = ("shown_name",)
    fields = ("shown_name", "beginning", "user", "created", "expires", "used")
    readonly_fields = fields
    list_per_page = 50
    actions_list = ("revoke_all",)

    class Media:
        css = {"all": ("creativefilter/creatives.css", "creativefilter/tokens.css")}
        js = ("creativefilter/tokens.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[TokenDetails]:
        return tokens.within_reach(_person(request))

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        own = ("shown_name", "beginning", "created", "expires", "used")
        return (*own[:2], "user", *own[2:]) if _sees_all(request) else own

    # All staff users may have tokens; the queryset limits which tokens they see.

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_staff)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_staff)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_staff)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = obj is None or tokens.may_revoke(_person(request), obj.token.user)
        return allowed and request.user.is_staff

    def _get_obj_does_not_exist_redirect(self, request: Any, opts: Any, object_id: Any) -> Any:
        raise Http404

    # The list

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        title = _("Access tokens of all users") if _sees_all(request) else _("My access tokens")
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    @display(description=gettext_lazy("name"), ordering="name")
    def shown_name(self, details: TokenDetails) -> str:
        return details.name or _("without a name")

    @display(description=gettext_lazy("beginning of the token"))
    def beginning(self, details: TokenDetails) -> str:
        return f"{details.token.token_key}…"

    @display(description=gettext_lazy("user"), ordering="token__user__username")
    def user(self, details: TokenDetails) -> str:
        return str(details.token.user)

    @display(description=gettext_lazy("created"), ordering="token__created")
    def created(self, details: TokenDetails) -> str:
        return _moment(details.token.created)

    @display(description=gettext_lazy("valid until"), ordering="token__expiry")
    def expires(self, details: TokenDetails) -> str:
        return _moment(details.token.expiry)

    @display(description=gettext_lazy("last used"), ordering="last_used_at")
    def used(self, details: TokenDetails) -> str:
        return _moment(details.last_used_at) if details.last_used_at else _("never")

    # A new one

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the form; after it is sent, show the value of the new token.

        There is no redirect, because the value would have to be stored in the session, which is a
        row of the database.
        """
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = NewTokenForm(request.POST or None)
        issued = None
        if request.method == "POST" and form.is_valid():
            try:
                issued = tokens.issue(_person(request), **form.cleaned_data)
                self.log_addition(request, issued.details, [{"added": {}}])
            except tokens.TooManyError:
                text = _("You have as many tokens as one user may have. Revoke some first.")
                messages.error(request, text)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("The new access token") if issued else _("New access token"),
            "media": self.media,
            "form": form,
            "issued": issued,
        }
        response = TemplateResponse(request, "accounts/token.html", context)
        response["Cache-Control"] = "no-store"
        return response

    # Revoking

    def delete_model(self, request: HttpRequest, obj: TokenDetails) -> None:
        tokens.revoke(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[TokenDetails]) -> None:
        for details in queryset:
            tokens.revoke(details)

    @action(
        description=gettext_lazy("Revoke all of mine"),
        permissions=["delete"],
        url_path="revoke-all",
        icon="key_off",
        dialog={
            "title": gettext_lazy("Revoke all your access tokens?"),
            "description": gettext_lazy("Programs that use them are refused from now on."),
            "form_class": None,
            "form_submit_text": gettext_lazy("Revoke all"),
        },
    )
    def revoke_all(self, request: HttpRequest, form: Any) -> HttpResponse:
        tell_revoked(request, tokens.revoke_all(_person(request)))
        onward = reverse("admin:accounts_tokendetails_changelist")
        return HttpResponse(headers={"HX-Redirect": onward})


def tell_revoked(request: HttpRequest, count: int) -> None:
    """Show a message with the number of revoked tokens."""
    text = ngettext("%d access token is revoked.", "%d access tokens are revoked.", count)
    messages.success(request, text % count)


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)


def _sees_all(request: HttpRequest) -> bool:
    return request.user.has_perm("knox.delete_authtoken")


def _moment(moment: Any) -> str:
    return date_format(localtime(moment), "SHORT_DATETIME_FORMAT")

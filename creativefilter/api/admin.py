"""Users, groups and tokens, in the clothes of the rest of the admin."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from knox.models import AuthToken
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

admin.site.unregister(User)
admin.site.unregister(Group)
admin.site.unregister(AuthToken)


def _name_tokens() -> None:
    """Gives knox's table words that can be translated; its migrations keep the original ones."""
    apps.get_app_config("knox").verbose_name = _("Access tokens")
    options = AuthToken._meta
    options.verbose_name, options.verbose_name_plural = _("access token"), _("access tokens")
    words = {
        "token_key": _("beginning of the token"),
        "user": _("user"),
        "created": _("created"),
        "expiry": _("valid until"),
    }
    for name, word in words.items():
        options.get_field(name).verbose_name = word


_name_tokens()


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    pass


@admin.register(AuthToken)
class TokenAdmin(ModelAdmin):
    """Who holds which token until when; to revoke one is to delete it."""

    list_display = ("token_key", "user", "created", "expiry")
    fields = list_display
    readonly_fields = list_display

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

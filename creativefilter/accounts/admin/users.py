"""Admin pages of users with roles. Single permissions are given by additional groups only."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import RadioFilter
from unfold.decorators import action, display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminRadioSelectWidget

from creativefilter.accounts import tokens
from creativefilter.accounts.admin.tokens import tell_revoked
from creativefilter.accounts.roles import SENTENCES, Role, assign, may_change_user, role_of
from creativefilter.ui.model_admin import ModelAdmin

admin.site.unregister(User)
admin.site.unregister(Group)

VERBS = {
    "add": gettext_lazy("may add"),
    "change": gettext_lazy("may change"),
    "delete": gettext_lazy("may delete"),
    "view": gettext_lazy("may see"),
}


def role_choices() -> list[tuple[str, str]]:
    """Return the choices of a role field, with a sentence on what each role may do."""
    return [(role.value, f"{role.label}. {SENTENCES[role]}") for role in Role]


class WithRole(forms.ModelForm):
    """Base of the forms of users, with a role; ``UserForm`` makes it optional."""

    role = forms.ChoiceField(
        label=gettext_lazy("role"), choices=role_choices, widget=UnfoldAdminRadioSelectWidget
    )


class NewUserForm(WithRole, UserCreationForm):
    class Meta(UserCreationForm.Meta):
        fields = ("username", "first_name", "last_name", "email")


class UserForm(WithRole, UserChangeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "role" in self.fields:
            none = ("", _("None: no access to these pages, except for superusers."))
            field: Any = self.fields["role"]
            field.required, field.choices = False, [*role_choices(), none]
            field.initial = role_of(self.instance) or ""
        if "groups" in self.fields:
            others: Any = self.fields["groups"]
            others.queryset = Group.objects.exclude(name__in=Role.values)


class RoleFilter(RadioFilter):
    title = gettext_lazy("role")
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Role.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(groups__name=self.value()) if self.value() else queryset


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):
    """Only superusers can create, change or delete superusers, or revoke their tokens."""

    form = UserForm
    add_form = NewUserForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "full_name", "shown_role", "is_active", "last_login")
    list_filter = (RoleFilter, "is_active")
    filter_horizontal = ()
    add_fieldsets = (
        (None, {"fields": ("username", "usable_password", "password1", "password2")}),
        (gettext_lazy("What this user may do"), {"fields": ("role",)}),
        (gettext_lazy("Person"), {"fields": ("first_name", "last_name", "email")}),
    )
    fieldsets = (
        (None, {"fields": ("username", "password", "is_active")}),
        (gettext_lazy("What this user may do"), {"fields": ("role",)}),
        (gettext_lazy("Person"), {"fields": ("first_name", "last_name", "email")}),
        (gettext_lazy("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")
    actions_detail = ("revoke_tokens",)

    class Media:
        css = {"all": ("creativefilter/users.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        found = super().get_fieldsets(request, obj)
        if obj is None or not request.user.is_superuser:
            return found
        superuser_fields = {"fields": ("is_superuser", "groups"), "classes": ("collapse",)}
        return (*found, (gettext_lazy("Beyond roles"), superuser_fields))

    @display(description=gettext_lazy("name"))
    def full_name(self, user: User) -> str:
        return user.get_full_name() or "—"

    @display(description=gettext_lazy("role"))
    def shown_role(self, user: User) -> str:
        role = role_of(user)
        labels = [str(role.label)] if role else []
        return ", ".join([*labels, _("superuser")] if user.is_superuser else labels) or "—"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may_change(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may_change(request, obj) and super().has_delete_permission(request, obj)

    def has_revoke_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        if not request.user.has_perm("knox.delete_authtoken"):
            return False
        user = self.get_object(request, str(object_id))
        return user is None or tokens.may_revoke(_person(request), user)

    @action(
        description=gettext_lazy("Revoke all access tokens"),
        permissions=["revoke"],
        url_path="revoke-tokens",
        icon="key_off",
        dialog={
            "title": gettext_lazy("Revoke all access tokens of this user?"),
            "description": gettext_lazy("Programs that use them are refused from now on."),
            "form_class": None,
            "form_submit_text": gettext_lazy("Revoke all"),
        },
    )
    def revoke_tokens(self, request: HttpRequest, form: Any, object_id: int) -> HttpResponse:
        user = get_object_or_404(User, pk=object_id)
        tell_revoked(request, tokens.revoke_all(user))
        return HttpResponse(
            headers={"HX-Redirect": reverse("admin:auth_user_change", args=[user.pk])}
        )

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        chosen = form.cleaned_data.get("role")
        # A user who has no role and gets none may be staff for another reason: leave that.
        if chosen or "role" in form.changed_data:
            assign(User.objects.get(pk=form.instance.pk), Role(chosen) if chosen else None)


def _may_change(request: HttpRequest, user: User | None) -> bool:
    return user is None or may_change_user(_person(request), user)


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)


def permission_label(permission: Permission) -> str:
    """Return a label such as “Creative: may add”, or the name of a custom permission."""
    model = permission.content_type.model_class()
    verb = permission.codename.split("_", 1)[0]
    if model is None or verb not in VERBS:
        return permission.name
    return f"{capfirst(str(model._meta.verbose_name))}: {VERBS[verb]}"


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    """Groups that are not roles. Those of roles are hidden: every migration resets them."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        return super().get_queryset(request).exclude(name__in=Role.values)

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        field = super().formfield_for_manytomany(db_field, request=request, **kwargs)
        if db_field.name == "permissions" and field is not None:
            shown: Any = field
            shown.label_from_instance = permission_label
        return field

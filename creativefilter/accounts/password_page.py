"""The page on which users change their own password."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse_lazy
from django.views.decorators.debug import sensitive_variables
from unfold.forms import AdminOwnPasswordChangeForm

from creativefilter.accounts import audit
from creativefilter.accounts.login_form import counted_attempt


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    """Password form that checks the old password with the delays of the login page.

    Otherwise someone with a browser that is logged in could try any number of passwords.
    """

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    @sensitive_variables()
    def clean_old_password(self) -> str:
        with counted_attempt(self.user.get_username(), self.request):
            try:
                password: str = super().clean_old_password()
            except ValidationError:
                audit.record(audit.Action.LOGIN_FAILED, self.user, page="password change")
                raise
        return password


class OwnPasswordView(PasswordChangeView):
    """Replaces the admin's view at the same URL."""

    form_class = OwnPasswordForm
    success_url = reverse_lazy("admin:password_change_done")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), **admin.site.each_context(self.request)}

"""The form of the login page."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_variables
from unfold.forms import AuthenticationForm

from creativefilter.accounts import audit, login_throttle
from creativefilter.site.client_address import client_address


class LoginForm(AuthenticationForm):
    """Asks for a password once the delay after wrong ones is over."""

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        username = self.cleaned_data.get("username")
        if username is None or not self.cleaned_data.get("password"):
            return super().clean()
        login = login_throttle.Login.of(username, client_address(self.request))
        if seconds := login_throttle.begin(login):
            if login_throttle.is_first_refusal(login, seconds):
                audit.record(audit.Action.LOGIN_DELAYED, by=username, seconds=seconds)
            raise ValidationError(_wait_text(seconds), "throttled")
        cleaned = super().clean()
        login_throttle.succeeded(login)
        return cleaned


def _wait_text(seconds: int) -> str:
    if seconds < 60:
        text = ngettext(
            "Too many wrong passwords. Wait %d second, then try again.",
            "Too many wrong passwords. Wait %d seconds, then try again.",
            seconds,
        )
        return text % seconds
    minutes = -(-seconds // 60)
    text = ngettext(
        "Too many wrong passwords. Wait %d minute, then try again.",
        "Too many wrong passwords. Wait %d minutes, then try again.",
        minutes,
    )
    return text % minutes

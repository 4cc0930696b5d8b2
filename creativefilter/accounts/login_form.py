"""The form of the login page."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_variables
from unfold.forms import AuthenticationForm

from creativefilter.accounts import audit, login_throttle
from creativefilter.site.client_address import client_address


class LoginForm(AuthenticationForm):
    """Login form that checks no password during the delay after wrong ones."""

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        username = self.cleaned_data.get("username")
        if username is None or not self.cleaned_data.get("password"):
            return super().clean()
        attempt = begin_attempt(username, self.request)
        cleaned = super().clean()
        login_throttle.succeeded(attempt)
        return cleaned


def begin_attempt(username: str, request: HttpRequest) -> login_throttle.Login:
    """Count a login attempt as failed, until ``login_throttle.succeeded`` is called with it.

    Args:
        username: The name as entered.
        request: The request, for the address of the client.

    Returns:
        The attempt, for ``login_throttle.succeeded``.

    Raises:
        ValidationError: The delay after wrong passwords is not over.
    """
    attempt = login_throttle.Login.of(username, client_address(request))
    if seconds := login_throttle.begin(attempt):
        if login_throttle.is_first_refusal(attempt, seconds):
            audit.record(audit.Action.LOGIN_DELAYED, by=username, seconds=seconds)
        raise ValidationError(_wait_text(seconds), "throttled")
    return attempt


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

"""The form of the login page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
        with counted_attempt(username, self.request):
            return super().clean()


@contextmanager
def counted_attempt(username: str, request: HttpRequest) -> Iterator[None]:
    """Count a login attempt as failed unless the block, which checks the password, succeeds.

    The block raises ``ValidationError`` if the password is wrong. After any other exception, for
    example when the database does not answer, the attempt is not counted.

    Args:
        username: The name as entered.
        request: The request, for the address of the client.

    Raises:
        ValidationError: The delay after wrong passwords is not over; the block is not run.
    """
    attempt = login_throttle.Login.of(username, client_address(request))
    if seconds := login_throttle.begin(attempt):
        if login_throttle.is_first_refusal(attempt, seconds):
            audit.record(audit.Action.LOGIN_DELAYED, by=username, seconds=seconds)
        raise ValidationError(_wait_text(seconds), "throttled")
    try:
        yield
    except ValidationError:
        raise
    except BaseException:
        login_throttle.withdraw(attempt)
        raise
    login_throttle.succeeded(attempt)


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

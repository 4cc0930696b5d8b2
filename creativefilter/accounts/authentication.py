"""Authentication by access token: knox's check, and the time of the last use."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from knox.auth import TokenAuthentication as KnoxAuthentication
from rest_framework.exceptions import AuthenticationFailed

from creativefilter.accounts import tokens


class TokenAuthentication(KnoxAuthentication):
    """Knox's authentication, which also records the use of the token."""

    def authenticate_credentials(self, token: bytes) -> tuple[Any, Any]:
        # Knox decodes the token as UTF-8 and would raise UnicodeDecodeError on other bytes.
        if not token.isascii():
            raise AuthenticationFailed(_("Invalid token."))
        user, found = super().authenticate_credentials(token)
        tokens.record_use(found)
        return user, found

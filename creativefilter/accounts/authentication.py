"""Tokens of programs, as knox checks them; when one was last used is noted."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from knox.auth import TokenAuthentication as KnoxAuthentication
from rest_framework.exceptions import AuthenticationFailed

from creativefilter.accounts import tokens


class TokenAuthentication(KnoxAuthentication):
    def authenticate_credentials(self, token: bytes) -> tuple[Any, Any]:
        # Knox takes the header for ASCII, which nobody promised.
        if not token.isascii():
            raise AuthenticationFailed(_("Invalid token."))
        user, found = super().authenticate_credentials(token)
        tokens.used(found)
        return user, found

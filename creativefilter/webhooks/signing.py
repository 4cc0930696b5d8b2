"""Secrets and signatures, after the Standard Webhooks specification (standardwebhooks.com).

A secret is derived from the key of the installation and a salt in the endpoint's row. Nothing has
to be stored that would sign: a dump of the database holds salts and fingerprints only.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from django.conf import settings
from django.utils.crypto import salted_hmac

from creativefilter.webhooks.models import Endpoint

PREFIX = "whsec_"


class SecretLostError(Exception):
    """The key of the installation is another one now: the owner has to take a new secret."""


def renew(endpoint: Endpoint) -> str:
    """Gives an endpoint a new secret (``whsec_`` and base64); save its row afterwards."""
    endpoint.salt = secrets.token_hex(32)
    secret = _derive(endpoint, settings.SECRET_KEY)
    endpoint.fingerprint = _fingerprint(secret)
    return PREFIX + base64.b64encode(secret).decode("ascii")


def headers(endpoint: Endpoint, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers by which a receiver knows us; raises ``SecretLostError``."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.digest(_secret(endpoint), signed, "sha256")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": "v1," + base64.b64encode(digest).decode("ascii"),
    }


def _secret(endpoint: Endpoint) -> bytes:
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        secret = _derive(endpoint, key)
        if hmac.compare_digest(_fingerprint(secret), endpoint.fingerprint):
            return secret
    raise SecretLostError


def _derive(endpoint: Endpoint, key: str | bytes) -> bytes:
    """32 bytes that nobody can tell without the key."""
    value = f"{endpoint.pk}:{endpoint.salt}"
    return salted_hmac("creativefilter.webhooks", value, key, algorithm="sha256").digest()


def _fingerprint(secret: bytes) -> str:
    return hashlib.sha256(secret).hexdigest()

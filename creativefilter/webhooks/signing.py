"""Secrets and signatures, after the Standard Webhooks specification (standardwebhooks.com).

A secret is derived from ``SECRET_KEY`` and a salt in the endpoint's row. The database has only
salts and fingerprints, so a dump of the database does not allow signing.
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
    """``SECRET_KEY`` has changed: the owner has to renew the secret."""


def renew(endpoint: Endpoint) -> str:
    """Set a new salt and fingerprint; the caller saves the endpoint.

    Returns:
        The new secret: ``whsec_`` and base64.
    """
    endpoint.salt = secrets.token_hex(32)
    secret = _derive(endpoint, settings.SECRET_KEY)
    endpoint.fingerprint = _fingerprint(secret)
    return PREFIX + base64.b64encode(secret).decode("ascii")


def headers(endpoint: Endpoint, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the three headers of a signed message.

    Args:
        endpoint: the receiver.
        message_id: key of the delivery.
        timestamp: Unix time in seconds.
        body: the bytes to sign.

    Raises:
        SecretLostError: ``SECRET_KEY`` has changed.
    """
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
    """Derive the secret, 32 bytes, from a key and the endpoint's salt."""
    value = f"{endpoint.pk}:{endpoint.salt}"
    return salted_hmac("creativefilter.webhooks", value, key, algorithm="sha256").digest()


def _fingerprint(secret: bytes) -> str:
    return hashlib.sha256(secret).hexdigest()

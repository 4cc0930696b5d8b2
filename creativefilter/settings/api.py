"""REST framework, request counters, tokens, webhooks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from environs import validate

from creativefilter.settings.environment import PRODUCTION, REDIS_URL, env
from creativefilter.settings.limits import TOKEN_DAYS
from creativefilter.site import setting_values

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "creativefilter.accounts.authentication.TokenAuthentication",
        "creativefilter.api.core.problems.CheckedSession",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": ["creativefilter.api.core.throttles.PerUser"],
    # The container setup has one proxy in front of the web service, a single machine has none.
    "NUM_PROXIES": env.int("NUM_PROXIES", 1 if PRODUCTION else 0, validate=validate.Range(0)),
    "DEFAULT_PARSER_CLASSES": [
        "creativefilter.api.core.parsers.JSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_SCHEMA_CLASS": "creativefilter.api.core.schema.ApiSchema",
    "EXCEPTION_HANDLER": "creativefilter.api.core.problems.handler",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": None,
}

CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    # Request counters, shared by all processes; without Redis there is one process only.
    "rates": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "rates",
        # A request waits for its counter no longer than this (``site.shared_counters``).
        "OPTIONS": {"socket_timeout": 0.3, "socket_connect_timeout": 0.3},
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "rates"},
}

REST_KNOX = {"TOKEN_TTL": timedelta(days=TOKEN_DAYS)}
# Knox's default, stated because migrations that refer to the model read the setting.
KNOX_TOKEN_MODEL = "knox.AuthToken"  # noqa: S105

# Whether the reference service's POST /predict works without a login; for closed networks only.
PREDICT_ANONYMOUS: bool = env.bool("PREDICT_ANONYMOUS", False)

# Webhooks: whether endpoints may have internal addresses, how long deliveries are kept, and after
# how many days in which every delivery failed an endpoint is switched off.
WEBHOOKS_ALLOW_PRIVATE: bool = env.bool("WEBHOOKS_ALLOW_PRIVATE", False)
WEBHOOK_HISTORY_DAYS: int = env.int("WEBHOOK_HISTORY_DAYS", 30, validate=validate.Range(1, 3650))
WEBHOOK_DISABLE_AFTER_DAYS: int = env.int(
    "WEBHOOK_DISABLE_AFTER_DAYS", 5, validate=validate.Range(1, 365)
)
# Address of this installation, such as https://creatives.example: the prefix of addresses in
# webhooks. Without it they begin with a slash.
PUBLIC_URL: str = env.str("PUBLIC_URL", "", validate=setting_values.web_address)

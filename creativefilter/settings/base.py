"""Django: secret key, database, applications, templates, language, security, logging."""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
from pathlib import Path

from django.utils.translation import gettext_lazy as _
from environs import EnvError, validate

from creativefilter.settings.environment import BASE_DIR, DATA_DIR, PRODUCTION, env
from creativefilter.site import setting_values


def _embedded_secret(path: Path) -> str:
    """Return the secret key of this installation; the first start writes it to a private file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Empty: another process is about to write the key, or was interrupted.
        if path.exists() and (key := path.read_text("ascii")):
            return key
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            key = file.read()
            if not key:
                key = secrets.token_urlsafe(50)
                file.write(key)
    except OSError as error:
        what = f"{path} can't be made or read: {error.strerror}"
        raise EnvError(f'Environment variable "DATA_DIR" invalid: {what}') from error
    return key


if PRODUCTION:
    SECRET_KEY: str = env.str("SECRET_KEY", validate=validate.Length(min=setting_values.KEY_LENGTH))
    ALLOWED_HOSTS: list[str] = env.list(
        "ALLOWED_HOSTS", validate=[validate.Length(min=1), setting_values.host_names]
    )
    DATABASES = {"default": env.database("DATABASE_URL", conn_max_age=60)}
else:
    _configured_key = env.str("SECRET_KEY", "", validate=setting_values.key_or_none)
    SECRET_KEY = _configured_key or _embedded_secret(DATA_DIR / "secret-key")
    ALLOWED_HOSTS = env.list(
        "ALLOWED_HOSTS",
        ["localhost", "127.0.0.1", "[::1]"],
        validate=setting_values.host_names,
    )
    DATABASES = {"default": env.database("DATABASE_URL", f"sqlite:///{DATA_DIR / 'db.sqlite3'}")}

# Former keys: what they signed stays valid.
SECRET_KEY_FALLBACKS: list[str] = env.list(
    "SECRET_KEY_FALLBACKS", [], validate=setting_values.secret_keys
)

DEBUG = False

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Without IMMEDIATE two transactions that read before they write deadlock ("database is
    # locked").
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # Seconds that a request or a worker waits for a server that is gone or does not answer.
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "csp",
    "django.contrib.staticfiles",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "creativefilter.jobs",
    "creativefilter.webhooks",
    "creativefilter.creatives",
    "creativefilter.spend",
    "creativefilter.training",
    "creativefilter.tables",
    "creativefilter.api",
    "creativefilter.embedded",
    "creativefilter.doctor",
    "tasks",
    # Must be last: its post_migrate creates groups with permissions of all other apps.
    "creativefilter.accounts",
]

MIDDLEWARE = [
    "creativefilter.jobs.health.AnswerHealth",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "creativefilter.site.headers.ContentPolicy",
    "creativefilter.site.headers.NoStore",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "creativefilter.accounts.audit.AuditedRequests",
    "creativefilter.site.request_limits.LimitBody",
    "django.contrib.messages.middleware.MessageMiddleware",
    "creativefilter.jobs.middleware.QuotaMessages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "creativefilter.urls"
WSGI_APPLICATION = "creativefilter.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "creativefilter.ui.pages.version",
            ],
        },
    },
]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "/"

# Language and time

LANGUAGE_CODE = "ru"
LANGUAGES = [("ru", _("Russian")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", "Europe/Moscow", validate=setting_values.time_zone)

# Security

CSRF_FAILURE_VIEW = "creativefilter.site.error_pages.csrf_failure"
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
if PRODUCTION:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", True)
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", 31_536_000, validate=validate.Range(0))
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    # Off by default: browsers' preload lists keep a domain for years.
    SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", False)
    SILENCED_SYSTEM_CHECKS = ["security.W021"]
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    CSRF_TRUSTED_ORIGINS: list[str] = env.list(
        "CSRF_TRUSTED_ORIGINS", [], validate=setting_values.web_addresses
    )

LOG_LEVEL: str = logging.getLevelName(env.log_level("LOG_LEVEL", logging.INFO))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
}

"""Settings, read strictly from the environment: a value that does not parse stops the start.

Nothing is required on one machine (SQLite, embedded broker, a secret key generated into the
data folder). With ``PRODUCTION=true`` the secrets and addresses have no default.
"""

from __future__ import annotations

import logging
import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _
from environs import Env, validate

from classifier.channels import CHANNELS
from creativefilter.site import former_names
from creativefilter.site.rate import rate
from creativefilter.site.segment_mix import segment_mix

BASE_DIR = Path(__file__).resolve().parents[2]

former_names.adopt(os.environ)
env = Env()

PRODUCTION: bool = env.bool("PRODUCTION", False)
DATA_DIR: Path = Path(env.str("DATA_DIR", str(BASE_DIR / "data"))).resolve()


def _embedded_secret(path: Path) -> str:
    """The key of this installation, made on the first start; readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text("ascii")
    with os.fdopen(handle, "w") as file:
        key = secrets.token_urlsafe(50)
        file.write(key)
    return key


if PRODUCTION:
    SECRET_KEY: str = env.str("SECRET_KEY", validate=validate.Length(min=50))
    ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", validate=validate.Length(min=1))
    REDIS_URL: str = env.str("REDIS_URL")
    DATABASES = {"default": env.dj_db_url("DATABASE_URL", conn_max_age=60)}
else:
    SECRET_KEY = env.str("SECRET_KEY", "") or _embedded_secret(DATA_DIR / "secret-key")
    ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
    # Empty: the embedded broker; the supervisor sets it for the processes that it starts.
    REDIS_URL = env.str("REDIS_URL", "")
    DATABASES = {"default": env.dj_db_url("DATABASE_URL", f"sqlite:///{DATA_DIR / 'db.sqlite3'}")}

DEBUG = False

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Without IMMEDIATE two writers that both began by reading deadlock ("database is locked").
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
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
    "tasks",
    # The last one: its groups carry the permissions of all others.
    "creativefilter.accounts",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "creativefilter.site.request_limits.LimitBody",
    "django.contrib.messages.middleware.MessageMiddleware",
    "creativefilter.jobs.middleware.SayQuota",
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

# Language and time

LANGUAGE_CODE = "ru"
LANGUAGES = [("ru", _("Russian")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", "Europe/Moscow")

# Files

STATIC_URL = "/static/"
STATIC_ROOT = env.str("STATIC_ROOT", str(DATA_DIR / "static")) if PRODUCTION else None
STATICFILES_DIRS = [BASE_DIR / "creativefilter" / "static"]
MEDIA_ROOT = DATA_DIR / "media"
MEDIA_URL = "/media-is-served-by-a-view-only/"
# Uploads lie in MEDIA_ROOT, or in a bucket of a server that speaks the protocol of S3. Without keys
# those of the environment or of the machine are taken, as its client finds them.
STORAGE_S3_BUCKET: str = env.str("STORAGE_S3_BUCKET", "")
STORAGE_S3: dict[str, Any] = {
    "bucket_name": STORAGE_S3_BUCKET,
    "endpoint_url": env.str("STORAGE_S3_ENDPOINT", "") or None,
    "region_name": env.str("STORAGE_S3_REGION", "") or None,
    "access_key": env.str("STORAGE_S3_ACCESS_KEY", "") or None,
    "secret_key": env.str("STORAGE_S3_SECRET_KEY", "") or None,
    "location": env.str("STORAGE_S3_FOLDER", ""),
    "addressing_style": env.str(
        "STORAGE_S3_ADDRESSING", "auto", validate=validate.OneOf(["auto", "path", "virtual"])
    ),
}
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "creativefilter.site.s3.Bucket", "OPTIONS": STORAGE_S3}
    if STORAGE_S3_BUCKET
    else {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if PRODUCTION
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}
# On one machine the files are served from where the packages have them: nothing to collect.
WHITENOISE_USE_FINDERS = not PRODUCTION
# What the decoder child made of an upload (sound, frames), one folder per media version.
DERIVED_ROOT = DATA_DIR / "derived"
UPLOAD_MAX_BYTES: int = env.int("UPLOAD_MAX_BYTES", 500 * 1024**2)
# All files of one form of the pages together.
REQUEST_MAX_BYTES: int = env.int("REQUEST_MAX_BYTES", 8 * UPLOAD_MAX_BYTES)
DATA_UPLOAD_MAX_NUMBER_FILES = 1000
# What decoding one upload may cost (``classifier.media.Limits``).
MEDIA_LIMITS: dict[str, Any] = {
    "bytes": UPLOAD_MAX_BYTES,
    "seconds": env.float("MEDIA_MAX_SECONDS", 600.0, validate=validate.Range(1)),
    "pixels": env.int("MEDIA_MAX_PIXELS", 4096 * 4096, validate=validate.Range(1)),
    "cpu_seconds": env.int("MEDIA_CPU_SECONDS", 120, validate=validate.Range(1)),
    "wall_seconds": env.float("MEDIA_WALL_SECONDS", 240.0, validate=validate.Range(1)),
    "memory_bytes": 1024**2 * env.int("MEDIA_MEMORY_MB", 2048, validate=validate.Range(512)),
    "output_bytes": 1024**2 * env.int("MEDIA_OUTPUT_MB", 256, validate=validate.Range(1)),
}
# Tables that were sent to be classified, and their answers, go after so long.
TABLES_KEPT = timedelta(days=env.int("TABLES_KEPT_DAYS", 7, validate=validate.Range(1, 365)))
# A folder whose media files are taken in by themselves, once they have stopped growing; "" for
# none.
INGEST_FOLDER: str = env.str("INGEST_FOLDER", "")
INGEST_QUIET_SECONDS: int = env.int("INGEST_QUIET_SECONDS", 10, validate=validate.Range(0, 3600))

# Security

CSRF_FAILURE_VIEW = "creativefilter.api.core.problems.csrf_failure"
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
if PRODUCTION:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", True)
    SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", 31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])

# REST

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "creativefilter.accounts.authentication.TokenAuthentication",
        "creativefilter.api.core.problems.CheckedSession",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": ["creativefilter.api.core.throttles.PerUser"],
    # In front of web there is one proxy; on one machine there is none.
    "NUM_PROXIES": 1 if PRODUCTION else 0,
    "DEFAULT_SCHEMA_CLASS": "creativefilter.api.core.schema.ApiSchema",
    "EXCEPTION_HANDLER": "creativefilter.api.core.problems.handler",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": None,
}
# "600/min" (or s, h, d) for each user, and for each address without a login; "" for no limit.
API_RATE = rate(env.str("API_RATE", "600/min"))
API_ANONYMOUS_RATE = rate(env.str("API_ANONYMOUS_RATE", "60/min"))
CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    # Counters of requests, which every process sees; without Redis there is one process only.
    "rates": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "rates",
        # A request waits for its counter no longer than this, and only once.
        "OPTIONS": {"socket_timeout": 0.3, "socket_connect_timeout": 0.3},
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "rates"},
}
TOKEN_DAYS: int = env.int("TOKEN_DAYS", 90, validate=validate.Range(1, 3650))
REST_KNOX = {"TOKEN_TTL": timedelta(days=TOKEN_DAYS)}
# What knox has by itself; said here because migrations that point at it ask the settings.
KNOX_TOKEN_MODEL = "knox.AuthToken"  # noqa: S105
SPECTACULAR_SETTINGS = {
    "TITLE": "Creative Filter",
    "DESCRIPTION": "Advertising creatives in, their market segments out.",
    "VERSION": "0.1.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    # Operations are grouped by what comes next.
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_GENERATOR_CLASS": "creativefilter.api.core.schema.EnglishGenerator",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "creativefilter.api.core.schema.drop_titles",
        "creativefilter.api.core.schema.tell_texts",
        "creativefilter.api.core.links.add_links",
        "creativefilter.api.core.problem_examples.show_problems",
    ],
    # Both pages come from our own files and ask no other host.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "validatorUrl": None,
        # The shapes stand beside their operations; a hundred more below make the page slow.
        "defaultModelsExpandDepth": -1,
    },
    "REDOC_DIST": "SIDECAR",
    "REDOC_UI_SETTINGS": {
        "theme": {
            "typography": {
                "fontFamily": "system-ui, sans-serif",
                "headings": {"fontFamily": "system-ui, sans-serif"},
            }
        }
    },
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "BadRowReasonEnum": "creativefilter.spend.models.BadRow.Reason",
        "ChannelNameEnum": list(CHANNELS),
        "CreativeStateEnum": "creativefilter.creatives.models.Creative.State",
        "DecisionEnum": ["auto", "review"],
        "DeliveryEventEnum": ["job.done", "job.failed", "job.cancelled", "webhook.test"],
        "ExportFormatEnum": ["xlsx", "csv", "csv_excel"],
        "ExportKindEnum": ["creatives"],
        "JobStateEnum": "creativefilter.jobs.models.Job.State",
        "StageStateEnum": "creativefilter.api.jobs.serializers.STAGE_STATES",
        "NotPredictedReasonEnum": "creativefilter.creatives.models.Prediction.Reason",
        "SegmentNumberEnum": "creativefilter.api.core.filters.SEGMENT_NUMBERS",
        "SegmentOrNoneEnum": "creativefilter.api.core.filters.SEGMENTS_OR_NONE",
        "SpendByEnum": ["segment", "advertiser", "brand", "media_type", "month"],
        "SpendMonthlyByEnum": ["segment", "advertiser", "brand", "media_type"],
        "SpendImportModeEnum": "creativefilter.spend.models.SpendImport.Mode",
        "SpendImportStateEnum": "creativefilter.spend.models.SpendImport.State",
        "DeliveryStateEnum": "creativefilter.webhooks.models.Delivery.State",
        "WebhookEventEnum": "creativefilter.webhooks.models.Event",
    },
}

# The reference service's POST /predict without a login: for closed networks only.
PREDICT_ANONYMOUS: bool = env.bool("PREDICT_ANONYMOUS", False)
PREDICT_WAIT_SECONDS: int = env.int("PREDICT_WAIT_SECONDS", 60, validate=validate.Range(1, 60))
WEB_THREADS: int = env.int("WEB_THREADS", 16, validate=validate.Range(2, 256))

# Webhooks: whether users may have internal addresses called, how long deliveries stay in the
# history, and after how many days of nothing but failures an endpoint is switched off.
WEBHOOKS_ALLOW_PRIVATE: bool = env.bool("WEBHOOKS_ALLOW_PRIVATE", False)
WEBHOOK_HISTORY_DAYS: int = env.int("WEBHOOK_HISTORY_DAYS", 30, validate=validate.Range(1, 3650))
WEBHOOK_DISABLE_AFTER_DAYS: int = env.int(
    "WEBHOOK_DISABLE_AFTER_DAYS", 5, validate=validate.Range(1, 365)
)
# Where this installation is reached, such as https://creatives.example: addresses that are sent
# out begin with it. Without it they begin with a slash.
PUBLIC_URL: str = env.str("PUBLIC_URL", "")

# Recognition and classification

CPUS = os.cpu_count() or 1
WORKER_PROCESSES: int = env.int("WORKER_PROCESSES", min(CPUS, 4), validate=validate.Range(1, 64))
WHISPER_ENGINE: str = env.str(
    "WHISPER_ENGINE",
    "faster-whisper",
    validate=validate.OneOf(["faster-whisper", "openai-whisper"]),
)
# "packaged" (whisper-base from the installed weight packages), a name such as "small"
# (fetched from the hub), or a folder.
WHISPER_MODEL: str = env.str("WHISPER_MODEL", "packaged")
WHISPER_LANGUAGE: str = env.str("WHISPER_LANGUAGE", "ru")
WHISPER_BEAM_SIZE: int = env.int("WHISPER_BEAM_SIZE", 5, validate=validate.Range(1, 10))
WHISPER_THREADS: int = env.int("WHISPER_THREADS", max(1, CPUS // WORKER_PROCESSES))
WEIGHTS_FOLDER = DATA_DIR / "weights"
# What makes vectors of pictures: "efficientnet-lite0", an X-CLIP (its name on the hub, or a
# folder), or "" for nothing.
PICTURES_ENCODER: str = env.str("PICTURES_ENCODER", "efficientnet-lite0")
STARTER_MODEL = BASE_DIR / "classifier" / "starter_model"
# Which share of the decisions that no person looks at has to be right.
TARGET_PRECISION: float = env.float("TARGET_PRECISION", 0.95, validate=validate.Range(0.5, 0.999))
# How often each segment occurs where the creatives come from, in any unit; "" for as often as in
# the training data.
SEGMENT_MIX: dict[int, float] | None = segment_mix(env.str("SEGMENT_MIX", ""))

# Queue: why each value is what it is stands in docs/architecture.md.

JOB_MAX_ATTEMPTS = 3
STAGE_SOFT_SECONDS: int = env.int("STAGE_SOFT_SECONDS", 300)
# Native code hears no soft limit: at the hard one the process is killed.
STAGE_HARD_SECONDS: int = env.int(
    "STAGE_HARD_SECONDS",
    STAGE_SOFT_SECONDS + 30,
    validate=validate.Range(STAGE_SOFT_SECONDS, min_inclusive=False),
)
# A claim outlives the hard limit, so only a dead worker's lease ever runs out.
JOB_LEASE = timedelta(seconds=STAGE_HARD_SECONDS + 60)
# A queued row that nobody claimed for so long is published again.
JOB_REPUBLISH_AFTER = timedelta(seconds=env.int("JOB_REPUBLISH_SECONDS", 300))
# How many jobs one person may have that have not ended, and how long those that have are kept.
OPEN_JOBS_PER_USER: int = env.int("OPEN_JOBS_PER_USER", 1000, validate=validate.Range(1))
JOBS_KEPT_DAYS: int = env.int("JOBS_KEPT_DAYS", 90, validate=validate.Range(1))
SWEEP_SECONDS: int = env.int("SWEEP_SECONDS", 15)

CELERY_BROKER_URL = REDIS_URL or "redis://127.0.0.1:1/0"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Above the hard limit and the wait of one prefetched task; the same in every process.
    "visibility_timeout": 3 * STAGE_HARD_SECONDS,
    # A person may wait for the answer of a request that publishes: no longer than this.
    "socket_timeout": 2,
    "socket_connect_timeout": 2,
    "max_retries": 0,
    "socket_keepalive": True,
    "health_check_interval": 25,
    # A worker that serves several queues empties them in their order: people first.
    "queue_order_strategy": "priority",
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
# Redelivery by the broker would loop for ever: the Job row counts attempts instead.
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_TASK_SOFT_TIME_LIMIT = STAGE_SOFT_SECONDS
CELERY_TASK_TIME_LIMIT = STAGE_HARD_SECONDS
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_DEFAULT_QUEUE = "cpu-interactive"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT: float = env.float("SOFT_SHUTDOWN_SECONDS", 10.0)
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BEAT_SCHEDULE = {
    "sweep": {
        "task": "jobs.sweep",
        "schedule": SWEEP_SECONDS,
        "options": {"expires": SWEEP_SECONDS},
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.log_level("LOG_LEVEL", logging.INFO)},
}

from creativefilter.site.theme import UNFOLD  # noqa: E402, F401  (needs nothing of the above)

"""Limits: sizes of uploads, request rates, retention times, web processes and threads."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from environs import validate

from creativefilter.settings.environment import env
from creativefilter.site.machine import processes_for
from creativefilter.site.rate import Rate

UPLOAD_MAX_BYTES: int = env.int("UPLOAD_MAX_BYTES", 500 * 1024**2, validate=validate.Range(1))
# Most bytes of one form of the pages with all its files.
REQUEST_MAX_BYTES: int = env.int(
    "REQUEST_MAX_BYTES", 8 * UPLOAD_MAX_BYTES, validate=validate.Range(UPLOAD_MAX_BYTES)
)
DATA_UPLOAD_MAX_NUMBER_FILES = 1000
_wall_seconds = env.float("MEDIA_WALL_SECONDS", 240.0, validate=validate.Range(1))
# What decoding one upload may cost (``classifier.media.Limits``).
MEDIA_LIMITS: dict[str, Any] = {
    "bytes": UPLOAD_MAX_BYTES,
    "seconds": env.float("MEDIA_MAX_SECONDS", 600.0, validate=validate.Range(1)),
    "pixels": env.int("MEDIA_MAX_PIXELS", 4096 * 4096, validate=validate.Range(1)),
    "cpu_seconds": env.int(
        "MEDIA_CPU_SECONDS",
        min(120, int(_wall_seconds)),
        validate=validate.Range(1, _wall_seconds),
    ),
    "wall_seconds": _wall_seconds,
    "memory_bytes": 1024**2 * env.int("MEDIA_MEMORY_MB", 2048, validate=validate.Range(512)),
    "output_bytes": 1024**2 * env.int("MEDIA_OUTPUT_MB", 256, validate=validate.Range(1)),
}
# How long uploaded tables of Advertisement IDs and their answers are kept.
TABLES_KEPT = timedelta(days=env.int("TABLES_KEPT_DAYS", 7, validate=validate.Range(1, 365)))

# Requests per user, and per network address without a login, as "600/min" (or s, h, d); "" for no
# limit.
API_RATE: Rate | None = env.rate("API_RATE", "600/min")
API_ANONYMOUS_RATE: Rate | None = env.rate("API_ANONYMOUS_RATE", "60/min")

TOKEN_DAYS: int = env.int("TOKEN_DAYS", 90, validate=validate.Range(1, 3650))

# How long entries of the audit log are kept.
AUDIT_DAYS: int = env.int("AUDIT_DAYS", 365, validate=validate.Range(1, 3650))

PREDICT_WAIT_SECONDS: int = env.int("PREDICT_WAIT_SECONDS", 60, validate=validate.Range(1, 60))
# Two by default even on one processor, if memory allows, so that a request that computes for long
# does not block the others.
WEB_PROCESSES: int = env.int(
    "WEB_PROCESSES", processes_for(1024**3, most=4), validate=validate.Range(1, 64)
)
# At least three: one may wait for a job and one for a bucket.
WEB_THREADS: int = env.int("WEB_THREADS", 16, validate=validate.Range(3, 256))

"""Static files, uploads, working copies, the watched folder."""

from __future__ import annotations

from typing import Any

from environs import validate

from creativefilter.settings.environment import BASE_DIR, DATA_DIR, PRODUCTION, env
from creativefilter.site import setting_values

STATIC_URL = "/static/"
STATIC_ROOT = env.str("STATIC_ROOT", str(DATA_DIR / "static")) if PRODUCTION else None
STATICFILES_DIRS = [BASE_DIR / "creativefilter" / "static"]
MEDIA_ROOT = DATA_DIR / "media"
MEDIA_URL = "/media-is-served-by-a-view-only/"
# Uploads are stored in MEDIA_ROOT, or in a bucket of an S3-compatible server. Without keys boto3
# looks for credentials in the environment and on the machine.
STORAGE_S3_BUCKET: str = env.str("STORAGE_S3_BUCKET", "")
STORAGE_S3: dict[str, Any] = {
    "bucket_name": STORAGE_S3_BUCKET,
    "endpoint_url": env.str("STORAGE_S3_ENDPOINT", "", validate=setting_values.web_address) or None,
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
    else {
        "BACKEND": "creativefilter.site.folder.Folder",
        # Django's default leaves files readable for other accounts.
        "OPTIONS": {"file_permissions_mode": 0o600, "directory_permissions_mode": 0o700},
    },
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if PRODUCTION
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}
# On one machine static files are served from the packages, without collectstatic.
WHITENOISE_USE_FINDERS = not PRODUCTION

# Working copies (decoded sound and frames), one folder per media version.
DERIVED_ROOT = DATA_DIR / "derived"

# The watched folder: its media files become creatives once they have not grown for
# INGEST_QUIET_SECONDS. "" for none.
INGEST_FOLDER: str = env.str("INGEST_FOLDER", "")
INGEST_QUIET_SECONDS: int = env.int("INGEST_QUIET_SECONDS", 10, validate=validate.Range(0, 3600))

FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "creativefilter.site.upload_handler.TemporaryFile",
]

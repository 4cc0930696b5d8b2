"""Preparation before the first request; every step can be repeated without harm."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from knox.models import AuthToken

from creativefilter.creatives.families import exam_set
from creativefilter.site.private_files import tighten

ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Login of the first administrator: shown once, stored only as hashes."""

    username: str
    password: str
    token: str


def prepare() -> Credentials | None:
    """Migrate the database, assemble the weights and create the first administrator.

    Creatives of an earlier release are assigned to the exam set or to what is taught. That is no
    migration, because it goes on where it was interrupted, blocks workers for a batch only, and
    takes those into account that processes of the earlier release add meanwhile.

    Returns:
        The administrator's credentials, or None if there is a superuser already.

    Raises:
        WeightsError: The packaged weights can't be assembled.
    """
    tighten(Path(settings.DATA_DIR))
    call_command("migrate", verbosity=0, interactive=False)
    exam_set.assign_unassigned()
    if settings.WHISPER_MODEL == "packaged":
        from classifier.speech.weights import PACKAGED_NAME, packaged_whisper

        packaged_whisper(settings.WEIGHTS_FOLDER / PACKAGED_NAME)
    return _first_administrator()


def _first_administrator() -> Credentials | None:
    users = get_user_model().objects
    if users.filter(is_superuser=True).exists():
        return None
    password = secrets.token_urlsafe(12)
    admin = users.create_superuser(username=ADMIN, password=password)
    _row, token = AuthToken.objects.create(user=admin)
    return Credentials(ADMIN, password, token)

"""Model folders as rows: which are known, which one decides."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from creativefilter.accounts.audit import Action, record
from creativefilter.creatives.models import ModelVersion
from creativefilter.site.errors import UserError


class NoActiveModelError(UserError):
    """No model version is active, so nothing can be classified."""


def active() -> ModelVersion:
    """The version that decides; raises ``NoActiveModelError`` if there is none."""
    version = ModelVersion.objects.filter(is_active=True).first()
    if version is None:
        raise NoActiveModelError(_("No model version is active: run manage.py prepare."))
    return version


def path(version: ModelVersion) -> str:
    """The version's folder; relative ones lie in the project (the starter model moves with it)."""
    return str(Path(settings.BASE_DIR) / version.folder)


def register_folder(folder: Path) -> ModelVersion:
    """Makes a row for a model folder, known by its manifest's digest; a known one is returned.

    Raises ``FileNotFoundError`` if the folder has no manifest. The files themselves are verified
    by ``classifier`` when the model is loaded.
    """
    text = (folder / "manifest.json").read_bytes()
    digest = hashlib.sha256(text).hexdigest()
    base = Path(settings.BASE_DIR)
    version, _created = ModelVersion.objects.get_or_create(
        digest=digest,
        defaults={
            "name": f"{folder.name} {digest[:8]}",
            "folder": str(folder.relative_to(base) if folder.is_relative_to(base) else folder),
            "metrics": json.loads(text)["facts"].get("metrics", {}),
        },
    )
    return version


def activate(version: ModelVersion) -> None:
    """Lets this version decide from now on. The others stay, and can be activated again."""
    with transaction.atomic():
        _activate(version)
        record(Action.VERSION_ACTIVATED, version)


def _activate(version: ModelVersion) -> None:
    with transaction.atomic():
        # Two at once would each leave their own active.
        list(ModelVersion.objects.select_for_update().order_by("pk").values_list("pk"))
        ModelVersion.objects.filter(is_active=True).exclude(pk=version.pk).update(is_active=False)
        ModelVersion.objects.filter(pk=version.pk).update(is_active=True)


def ensure_starter() -> ModelVersion:
    """Registers the model that ships with the project.

    It is activated if no version is, or if the active one is an older starter.
    """
    starter = register_folder(Path(settings.STARTER_MODEL))
    current = ModelVersion.objects.filter(is_active=True).first()
    if current is None or (current.folder == starter.folder and current.pk != starter.pk):
        # Nobody's decision: it comes with a release.
        _activate(starter)
    return starter

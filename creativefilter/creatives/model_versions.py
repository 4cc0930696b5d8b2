"""Registration and activation of model versions."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from classifier.segments import NUMBERS
from creativefilter.accounts.audit import Action, record
from creativefilter.creatives.models import ModelVersion, Segment
from creativefilter.site.codes import CodedError
from creativefilter.site.errors import UserError


class NoActiveModelError(UserError):
    """No model version is active, so nothing can be classified."""


def active() -> ModelVersion:
    """Return the active version.

    Raises:
        NoActiveModelError: there is none.
    """
    version = ModelVersion.objects.filter(is_active=True).first()
    if version is None:
        raise NoActiveModelError(_("No model version is active: run manage.py prepare."))
    return version


def ancestor() -> ModelVersion:
    """Return the version whose text model every training may mix in: by default the starter."""
    chosen = ModelVersion.objects.filter(is_ancestor=True).first()
    return chosen or register_folder(Path(settings.STARTER_MODEL))


def choose_ancestor(version: ModelVersion) -> None:
    """Make this version the ancestor of all further trainings, and write the audit log."""
    with transaction.atomic():
        lock()
        ModelVersion.objects.filter(is_ancestor=True).exclude(pk=version.pk).update(
            is_ancestor=False
        )
        ModelVersion.objects.filter(pk=version.pk).update(is_ancestor=True)
        record(Action.ANCESTOR_CHOSEN, version)


def path(version: ModelVersion) -> str:
    """Return the version's folder; a relative one (the starter's) is relative to the project."""
    return str(Path(settings.BASE_DIR) / version.folder)


def register_folder(folder: Path) -> ModelVersion:
    """Return the version of a model folder, by the digest of its manifest; create it if new.

    A version that has another folder with the same model keeps it, unless that folder is damaged.
    ``classifier`` verifies the files themselves when the model is loaded.

    Raises:
        FileNotFoundError: the folder has no manifest.
    """
    text = (folder / "manifest.json").read_bytes()
    digest = hashlib.sha256(text).hexdigest()
    base = Path(settings.BASE_DIR)
    stored_path = str(folder.relative_to(base) if folder.is_relative_to(base) else folder)
    version, created = ModelVersion.objects.get_or_create(
        digest=digest,
        defaults={
            "name": f"{folder.name} {digest[:8]}",
            "folder": stored_path,
            "metrics": json.loads(text)["facts"].get("metrics", {}),
        },
    )
    if not created and version.folder != stored_path and not is_intact(version):
        version.folder = stored_path
        version.save(update_fields=["folder"])
    return version


def is_intact(version: ModelVersion) -> bool:
    """Return whether the folder of a version can be read and holds its model."""
    from classifier.artefact import ArtefactError

    try:
        return stored_digest(version) == version.digest
    except (ArtefactError, OSError):
        return False


def segments_of(version: ModelVersion) -> tuple[int, ...]:
    """Return the numbers of the segments that a version predicts; () if they can't be read."""
    try:
        text = (Path(path(version)) / "manifest.json").read_text(encoding="utf-8")
        # Manifests of version 0.2 and older name no segments.
        found = json.loads(text)["facts"].get("segments", NUMBERS)
        return tuple(int(number) for number in found)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()


def predicted_segments() -> tuple[int, ...]:
    """Return the numbers of the segments that the active version predicts; () without one."""
    version = ModelVersion.objects.filter(is_active=True).first()
    return segments_of(version) if version else ()


def stored_digest(version: ModelVersion) -> str:
    """Verify the files of a version's folder, and return the digest of its manifest.

    Raises:
        classifier.artefact.ArtefactError: The folder does not match its manifest.
        OSError: The folder can't be read.
    """
    from classifier.artefact import read_artefact
    from classifier.decision.bundle_parts import KIND, VERSION

    return read_artefact(Path(path(version)), KIND, VERSION).digest


def activate(version: ModelVersion) -> None:
    """Make this version the active one, and write the audit log.

    Raises:
        CodedError: ``unknown_segments``, if it predicts segments that do not exist here.
    """
    known = set(Segment.objects.values_list("number", flat=True))
    if unknown := sorted(set(segments_of(version)) - known):
        numbers = ", ".join(map(str, unknown))
        raise CodedError("unknown_segments", version=version, numbers=numbers)
    with transaction.atomic():
        _activate(version)
        record(Action.VERSION_ACTIVATED, version)


def lock() -> None:
    """Lock all versions until this transaction ends, so that the rule of decision stays the same.

    Activations, changes of settings and the saving of predictions take this lock.
    """
    # NO KEY: rows that refer to a version can be written meanwhile.
    list(ModelVersion.objects.select_for_update(no_key=True).order_by("pk").values_list("pk"))


def _activate(version: ModelVersion) -> None:
    with transaction.atomic():
        # Two activations at once would leave two active versions.
        lock()
        ModelVersion.objects.filter(is_active=True).exclude(pk=version.pk).update(is_active=False)
        ModelVersion.objects.filter(pk=version.pk).update(is_active=True)


def ensure_starter() -> ModelVersion:
    """Register the starter model, which ships with the project.

    The starter is activated if no version is active, or if the active one is an older starter.
    """
    starter = register_folder(Path(settings.STARTER_MODEL))
    current = ModelVersion.objects.filter(is_active=True).first()
    if current is None or (current.folder == starter.folder and current.pk != starter.pk):
        # Not written to the audit log: no user decided this.
        _activate(starter)
    return starter

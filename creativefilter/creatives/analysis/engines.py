"""Per-process cache of the loaded models.

Each model is loaded when it is first needed, after the worker pool has forked.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import DatabaseError

from creativefilter.creatives import decision_settings, model_versions
from creativefilter.creatives.models import DecisionSettings, ModelVersion
from creativefilter.site import database

if TYPE_CHECKING:
    from classifier.artefact import Artefact
    from classifier.decision.bundle import Bundle
    from classifier.decision.rule import Basis, Parameters
    from classifier.pictures.types import PictureEncoder
    from classifier.screen import ScreenReader
    from classifier.speech.types import Transcriber

logger = logging.getLogger(__name__)

Mix = tuple[tuple[int, float], ...]


@functools.cache
def transcriber() -> Transcriber:
    """Load the speech recogniser that the settings name.

    Raises:
        WeightsError: its weights can't be used.
    """
    from classifier.speech.recognition import load_transcriber

    return load_transcriber(
        engine=settings.WHISPER_ENGINE,
        model=settings.WHISPER_MODEL,
        weights_folder=settings.WEIGHTS_FOLDER,
        language=settings.WHISPER_LANGUAGE or None,
        beam_size=settings.WHISPER_BEAM_SIZE,
        threads=settings.WHISPER_THREADS,
    )


@functools.cache
def screen_reader() -> ScreenReader:
    """Load the reader of words on frames.

    Raises:
        ScreenUnavailable: it can't be loaded; the next call tries again.
    """
    from classifier.screen import load_screen_reader

    return load_screen_reader()


def reads_screens() -> bool:
    """Whether this process can read the words on frames."""
    from classifier.errors import ScreenUnavailable

    try:
        screen_reader()
    except ScreenUnavailable:
        return False
    return True


@functools.cache
def picture_encoder() -> PictureEncoder | None:
    """Load the picture encoder; None if the settings name none, or it can't be loaded.

    A failure is logged and cached: each attempt waits half a minute if the hub does not answer.
    """
    from classifier.errors import WeightsError
    from classifier.pictures.encoders import load_picture_encoder

    if not settings.PICTURES_ENCODER:
        return None
    try:
        return load_picture_encoder(
            settings.PICTURES_ENCODER,
            weights_folder=settings.WEIGHTS_FOLDER,
            threads=settings.WHISPER_THREADS,
        )
    except WeightsError as error:
        logger.warning("no picture vectors until this process ends: %s", error)
        return None


def bundle(version: ModelVersion, chosen: DecisionSettings | None = None) -> Bundle:
    """Load the bundle of a model version.

    Args:
        version: The model version.
        chosen: The settings from which its thresholds and priors follow; by default the current
            ones.

    Raises:
        ArtefactError: the folder is damaged, or holds another model by now.
    """
    by = chosen or decision_settings.current()
    return _bundle(model_versions.path(version), version.digest, by.precision, _mix(by.priors))


def parameters(version: ModelVersion, chosen: DecisionSettings) -> Parameters:
    """Return the parameters of the rule of decision, without loading the version's models.

    Raises:
        ArtefactError: the folder is damaged, or holds another model by now.
        ValueError: the mix of the settings can't be used.
    """
    folder = model_versions.path(version)
    return _parameters(folder, version.digest, chosen.precision, _mix(chosen.priors))


def bundle_without_worker() -> Bundle:
    """Load the bundle of the active version.

    If no version is active or there is no usable database, load the starter.

    Raises:
        ArtefactError: the model folder is damaged.
    """
    chosen = settings_without_worker()
    if chosen.pk and (version := ModelVersion.objects.filter(is_active=True).first()):
        return bundle(version, chosen)
    return _bundle(str(settings.STARTER_MODEL), "", chosen.precision, _mix(chosen.priors))


def settings_without_worker() -> DecisionSettings:
    """Return the current settings; without a usable database, those of the environment.

    The latter are not saved.
    """
    try:
        if database.is_there() and (row := DecisionSettings.objects.first()):
            return row
    except DatabaseError:
        pass  # not migrated yet, or unreachable: commands go on without it
    return decision_settings.of_environment()


@functools.lru_cache(maxsize=4)
def _bundle(folder: str, digest: str, precision: float, mix: Mix | None) -> Bundle:
    from classifier.decision.bundle import Bundle

    loaded = _loaded(folder, digest)
    return Bundle(loaded.parts, loaded.artefact, precision, dict(mix) if mix else None)


@functools.lru_cache(maxsize=2)
def _loaded(folder: str, digest: str) -> Bundle:
    from classifier.decision.bundle import Bundle

    loaded = Bundle.load(Path(folder))
    _check_digest(folder, digest, loaded.artefact)
    return loaded


@functools.lru_cache(maxsize=16)
def _parameters(folder: str, digest: str, precision: float, mix: Mix | None) -> Parameters:
    return _basis(folder, digest).parameters(precision, dict(mix) if mix else None)


@functools.lru_cache(maxsize=2)
def _basis(folder: str, digest: str) -> Basis:
    from classifier.decision.rule import Basis

    loaded, artefact = Basis.load(Path(folder))
    _check_digest(folder, digest, artefact)
    return loaded


def _check_digest(folder: str, digest: str, artefact: Artefact | None) -> None:
    """Raise ``ArtefactError`` if a folder has another digest; "" allows all."""
    from classifier.artefact import ArtefactError

    if digest and (artefact is None or artefact.digest != digest):
        raise ArtefactError(Path(folder), "it was replaced since this version was registered")


def _mix(shares: Mapping[int, float] | None) -> Mix | None:
    return tuple(shares.items()) if shares else None

"""Per-process cache of the loaded models.

Each is loaded when it is first needed, once per process, never before the pool has forked.
"""

from __future__ import annotations

import functools
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import DatabaseError, connection

from creativefilter.creatives import model_versions
from creativefilter.creatives.models import ModelVersion

if TYPE_CHECKING:
    from classifier.decision.bundle import Bundle
    from classifier.pictures.types import PictureEncoder
    from classifier.screen import ScreenReader
    from classifier.speech.types import Transcriber

logger = logging.getLogger(__name__)

Mix = tuple[tuple[int, float], ...]


@functools.cache
def transcriber() -> Transcriber:
    """The recogniser, as the settings ask for it. Raises ``WeightsError``."""
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
    """What reads the words on the pictures. Raises ``ScreenUnavailable``, and tries again then."""
    from classifier.screen import load_screen_reader

    return load_screen_reader()


def reads_screens() -> bool:
    """Return whether this process can read the words on pictures."""
    from classifier.errors import ScreenUnavailable

    try:
        screen_reader()
    except ScreenUnavailable:
        return False
    return True


@functools.cache
def picture_encoder() -> PictureEncoder | None:
    """The encoder of pictures; None where the settings want none, or it can't be loaded.

    That is logged once and remembered: asking a hub that does not answer takes half a minute.
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
        logger.warning("no vectors of pictures until this process ends: %s", error)
        return None


def bundle(version: ModelVersion) -> Bundle:
    """The model of a version, as sure as the settings want it.

    Raises ``ArtefactError`` if its folder is damaged, or holds another model by now.
    """
    from classifier.artefact import ArtefactError

    folder = model_versions.path(version)
    loaded = _bundle(folder, version.digest, settings.TARGET_PRECISION, _mix())
    if loaded.artefact is None or loaded.artefact.digest != version.digest:
        _bundle.cache_clear()
        raise ArtefactError(Path(folder), "it was replaced since this version was registered")
    return loaded


def bundle_without_worker() -> Bundle:
    """The model of the active version where a database names one, else the one that ships.

    Raises ``ArtefactError``.
    """
    try:
        there = connection.vendor != "sqlite" or Path(connection.settings_dict["NAME"]).is_file()
        version = ModelVersion.objects.filter(is_active=True).first() if there else None
    except DatabaseError:
        version = None  # not prepared yet, or away: commands do without it
    if version:
        return bundle(version)
    return _bundle(str(settings.STARTER_MODEL), "", settings.TARGET_PRECISION, _mix())


@functools.lru_cache(maxsize=2)
def _bundle(folder: str, _digest: str, precision: float, mix: Mix | None) -> Bundle:
    from classifier.decision.bundle import Bundle

    return Bundle.load(Path(folder), precision, dict(mix) if mix else None)


def _mix() -> Mix | None:
    return tuple(settings.SEGMENT_MIX.items()) if settings.SEGMENT_MIX else None

"""The kind of job that analyses a creative: five stages from an upload to a prediction.

For a media version without a file (an imported transcript) the first four do nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from copy import copy
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_noop

from creativefilter.creatives.analysis import decision, engines, states, twins, working_copies
from creativefilter.creatives.families import grouping
from creativefilter.creatives.model_versions import NoActiveModelError
from creativefilter.creatives.models import (
    Creative,
    MediaVersion,
    PictureVector,
    Prediction,
    ScreenReading,
    Transcript,
)
from creativefilter.jobs.kinds import Continued, JobError, Kind, Save, Stage, Subject, register
from creativefilter.jobs.models import Job
from creativefilter.site.codes import sentence
from creativefilter.site.files import TooLongError, on_disk

if TYPE_CHECKING:
    from classifier.decision.spot_shape import SpotShape
    from classifier.media import Frame

logger = logging.getLogger(__name__)

State = Creative.State
# Seconds of media. Jobs for longer media leave the interactive lane, where people wait for answers.
LONG_SECONDS = 120


def _enter(job: Job, state: Creative.State) -> MediaVersion:
    """Move the job's creative to the state of a stage; return the job's media version."""
    media = MediaVersion.objects.select_related("creative").filter(pk=job.params["media"]).first()
    if media is None:
        raise JobError("deleted", "the creative was deleted while its job waited")
    states.move(Creative.objects.filter(pk=media.creative_id, job=job), state)
    return media


# A failed transaction leaves a primary key in the objects that it saved, and ``save`` may then run
# again. So each ``save`` creates its objects or saves copies.


def _save_nothing() -> None:
    """The ``Save`` of a stage that had nothing to do."""


def decode(job: Job) -> Save:
    """Decode the upload to sound and frames, in a child process with limits.

    Raises:
        JobError: the file can't be decoded, is gone, or the creative was deleted.
    """
    from classifier.errors import ErrorCode, MediaError
    from classifier.media import Limits, looks_like
    from classifier.media import decode as decode_media

    media = _enter(job, State.DECODING)
    if not media.file:
        return _save_nothing
    if save_known := twins.take_over(job, media):
        return save_known
    limits = Limits(**settings.MEDIA_LIMITS)
    try:
        with on_disk(media.file, limits.bytes) as path:
            decoded = decode_media(path, limits)
    except MediaError as error:
        raise JobError(error.code, error.detail) from error
    except FileNotFoundError as error:
        raise JobError(ErrorCode.NOT_FOUND, str(error)) from error
    except TooLongError as error:
        raise JobError(ErrorCode.TOO_LARGE, str(error)) from error
    probe = asdict(decoded.probe)
    probe["looks_like"] = looks_like(media.original_name, decoded.probe.container)
    probe["frames"] = working_copies.write(media.pk, decoded)

    def save() -> None:
        MediaVersion.objects.filter(pk=media.pk).update(
            container=decoded.probe.container,
            seconds=decoded.probe.decoded_seconds,
            partial=decoded.probe.partial,
            share_read=decoded.probe.share_read,
            probe=probe,
        )
        if decoded.probe.decoded_seconds > LONG_SECONDS:
            short = Job.objects.filter(pk=job.pk, urgency=Job.Urgency.INTERACTIVE)
            short.update(urgency=Job.Urgency.LONG)

    return save


def transcribe(job: Job) -> Save:
    """Recognise the speech, and remove from the text what is not speech.

    Raises:
        JobError: ``no_weights`` if Whisper can't be loaded, or the creative was deleted.
        OSError, ValueError: the decoded sound is missing or damaged.
    """
    from classifier.errors import WeightsError
    from classifier.speech.cleaning import assess_transcript

    media = _enter(job, State.SPEECH)
    if not media.file:
        return _save_nothing
    # Of two equal files uploaded together, the other one may have been analysed since decoding.
    if save_known := twins.take_over(job, media):
        return save_known
    audio = working_copies.audio(media.pk)
    began = time.monotonic()
    try:
        [recognised] = engines.transcriber().transcribe([audio])
    except WeightsError as error:
        raise JobError("no_weights", repr(error)) from error
    taken = time.monotonic() - began
    speech = assess_transcript(recognised.utterances)

    def save() -> None:
        Transcript.objects.create(
            media=media,
            engine=recognised.engine,
            model=recognised.model,
            language=recognised.language,
            text=recognised.text,
            speech=speech.text,
            spoken=speech.spoken,
            utterances=[asdict(utterance) for utterance in recognised.utterances],
            seconds_taken=round(taken, 3),
        )

    return save


def read_screen(job: Job) -> Save:
    """Read the words on the frames, measure the shape of the spot, make its fingerprint.

    Raises:
        JobError: the creative was deleted.
        OSError, ValueError: a working copy is missing or damaged.
    """
    media = _enter(job, State.SCREEN)
    if not media.file:
        return _save_nothing
    frames = working_copies.frames(media.pk, media.probe)
    shape = _shape(media, frames)
    reading = _reading(media, frames) if frames else None
    fingerprint = grouping.new_fingerprint(media, frames)

    def save() -> None:
        MediaVersion.objects.filter(pk=media.pk).update(shape=asdict(shape))
        if reading:
            copy(reading).save()
        grouping.store(media, fingerprint)

    return save


def _shape(media: MediaVersion, frames: Sequence[Frame]) -> SpotShape:
    from classifier.decision.spot_shape import measure
    from classifier.speech.types import Utterance

    transcript = media.transcripts.first()
    stored = transcript.utterances if transcript and transcript.spoken else []
    utterances = [Utterance(**utterance) for utterance in stored]
    return measure(working_copies.audio(media.pk), frames, media.seconds or 0.0, utterances)


def _reading(media: MediaVersion, frames: Sequence[Frame]) -> ScreenReading | None:
    """Return an unsaved row with the text or the problem; None if the stored one still holds."""
    from classifier.errors import ScreenUnavailable

    before = media.readings.first()
    began = time.monotonic()
    try:
        reader = engines.screen_reader()
        found = reader.read(frames)
    except ScreenUnavailable as error:
        logger.warning("media version %s: %s", media.pk, error)
        # An earlier reading of the same bytes is still valid.
        problem = ScreenReading(media=media, problem="no_screen_reader", seconds_taken=0)
        return None if before else problem
    lines = [asdict(line) for line in found.lines]
    if before and (before.engine, before.lines) == (reader.engine, lines):
        return None
    return ScreenReading(
        media=media,
        engine=reader.engine,
        text=found.text,
        lines=lines,
        seconds_taken=round(time.monotonic() - began, 3),
    )


def encode_pictures(job: Job) -> Save:
    """Encode the frames as a picture vector.

    Does nothing without frames, without a usable ``PICTURES_ENCODER``, or if its vector exists.

    Raises:
        JobError: the creative was deleted.
        OSError: a frame is missing or can't be read.
    """
    media = _enter(job, State.PICTURES)
    if not media.file or not settings.PICTURES_ENCODER or not media.probe.get("frames"):
        return _save_nothing
    encoder = engines.picture_encoder()
    if encoder is None or media.vectors.filter(encoder=encoder.name).exists():
        return _save_nothing

    from classifier.pictures.frames import evenly

    vector = encoder.encode(evenly(working_copies.frames(media.pk, media.probe)))

    def save() -> None:
        PictureVector.objects.get_or_create(
            media=media,
            encoder=encoder.name,
            defaults={"vector": vector.astype("<f4").tobytes()},
        )

    return save


def classify(job: Job) -> Save:
    """Predict the segment by the active model version and the current settings.

    Raises:
        JobError: ``no_model`` if there is no active version or its folder is damaged; or the
            creative was deleted.
    """
    from classifier.artefact import ArtefactError

    media = _enter(job, State.CLASSIFYING)
    try:
        decided = decision.decide(media)
    except (ArtefactError, NoActiveModelError) as error:
        raise JobError("no_model", str(error)) from error

    def save() -> dict[str, Any]:
        if not decided.rule.still_holds():
            # The job that decides all creatives again may have ended already.
            raise Continued(job.progress, job.params)
        saved = decided.save()
        states.move(Creative.objects.filter(pk=media.creative_id, job=job), State.DONE)
        return decision.outcome(saved)

    return save


def on_cancelled(job: Job) -> None:
    """Set the creative to done if its media has a prediction, else to failed (``cancelled``)."""
    judged = Exists(Prediction.objects.filter(media=OuterRef("current_media")))
    states.move(_creative_of(job).filter(judged), State.DONE)
    states.move(_creative_of(job).filter(~judged), State.FAILED, "cancelled")


def on_retried(job: Job) -> None:
    """Set the creative to ``QUEUED``, unless it has another job by now."""
    states.move(_creative_of(job), State.QUEUED)


def on_failed(job: Job) -> None:
    """Set the creative to failed, with the error code of its job."""
    states.move(_creative_of(job), State.FAILED, job.error_code)


def _creative_of(job: Job) -> QuerySet[Creative]:
    """Return the job's creative; none if it has another job by now."""
    return Creative.objects.filter(pk=job.params["creative"], job=job)


ANALYSE = register(
    Kind(
        gettext_noop("analyse"),
        (
            Stage(gettext_noop("decoding"), "cpu", decode),
            Stage(gettext_noop("speech"), "gpu", transcribe),
            Stage(gettext_noop("screen"), "cpu", read_screen),
            Stage(gettext_noop("pictures"), "gpu", encode_pictures),
            Stage(gettext_noop("classifying"), "cpu", classify),
        ),
        on_failed,
        on_cancelled,
        on_retried,
        explain=lambda job: sentence(job.error_code),
        subject=Subject("creatives.Creative", "creative"),
    )
)

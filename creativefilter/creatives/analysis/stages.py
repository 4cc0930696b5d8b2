"""The straight line from an upload to a prediction, as five stages of one kind of job.

A media version without a file (an imported transcript) walks through the first four untouched.
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
from creativefilter.creatives.models import (
    Creative,
    MediaVersion,
    PictureVector,
    Prediction,
    ScreenReading,
    Transcript,
)
from creativefilter.jobs.kinds import JobError, Kind, Save, Stage, Subject, register
from creativefilter.jobs.models import Job
from creativefilter.site.codes import sentence
from creativefilter.site.files import TooLongError, on_disk

if TYPE_CHECKING:
    from classifier.decision.spot_shape import SpotShape
    from classifier.media import Frame

logger = logging.getLogger(__name__)

State = Creative.State
# What people wait for in seconds does not wait behind anything longer.
LONG_SECONDS = 120


def _enter(job: Job, state: Creative.State) -> MediaVersion:
    """Shows where the creative is, and returns the media version that the job is about."""
    media = MediaVersion.objects.select_related("creative").filter(pk=job.params["media"]).first()
    if media is None:
        raise JobError("deleted", "the creative was deleted while its job waited")
    states.move(Creative.objects.filter(pk=media.creative_id, job=job), state)
    return media


# What a ``save`` stores is copied: a row whose transaction failed keeps a key that is not its own.


def _save_nothing() -> None:
    """What a stage saves that had nothing to do."""


def decode(job: Job) -> Save:
    """Sound and frames out of the upload, in a bounded child process."""
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
    """Speech out of the sound, with what is not speech taken out of the text."""
    from classifier.errors import WeightsError
    from classifier.speech.cleaning import assess_transcript

    media = _enter(job, State.SPEECH)
    if not media.file:
        return _save_nothing
    # Uploaded together, they were decoded together; meanwhile the other one may be through.
    if save_known := twins.take_over(job, media):
        return save_known
    audio = working_copies.audio(media.pk)
    began = time.monotonic()
    try:
        [heard] = engines.transcriber().transcribe([audio])
    except WeightsError as error:
        raise JobError("no_weights", repr(error)) from error
    taken = time.monotonic() - began
    speech = assess_transcript(heard.utterances)

    def save() -> None:
        Transcript.objects.create(
            media=media,
            engine=heard.engine,
            model=heard.model,
            language=heard.language,
            text=heard.text,
            speech=speech.text,
            spoken=speech.spoken,
            utterances=[asdict(utterance) for utterance in heard.utterances],
            seconds_taken=round(taken, 3),
        )

    return save


def read_screen(job: Job) -> Save:
    """Words out of the pictures, the shape of the spot, and its fingerprint."""
    media = _enter(job, State.SCREEN)
    if not media.file:
        return _save_nothing
    frames = working_copies.frames(media.pk, media.probe)
    shape = _shape(media, frames)
    reading = _reading(media, frames) if frames else None
    fingerprint = grouping.made_of(media, frames)

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
    heard = transcript.utterances if transcript and transcript.spoken else []
    utterances = [Utterance(**utterance) for utterance in heard]
    return measure(working_copies.audio(media.pk), frames, media.seconds or 0.0, utterances)


def _reading(media: MediaVersion, frames: Sequence[Frame]) -> ScreenReading | None:
    """A row for what was read, or for why nothing could be; None if that is known already."""
    from classifier.errors import ScreenUnavailable

    before = media.readings.first()
    began = time.monotonic()
    try:
        reader = engines.screen_reader()
        found = reader.read(frames)
    except ScreenUnavailable as error:
        logger.warning("media version %s: %s", media.pk, error)
        # What was read of these bytes before is as true as ever.
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
    """The pictures as one vector; nothing where the settings want no encoder."""
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
    """The decision of the active model version on all that is known by now."""
    from classifier.artefact import ArtefactError

    media = _enter(job, State.CLASSIFYING)
    try:
        prediction = decision.decide(media)
    except ArtefactError as error:
        raise JobError("no_model", str(error)) from error

    def save() -> dict[str, Any]:
        saved = copy(prediction)
        saved.save()
        states.move(Creative.objects.filter(pk=media.creative_id, job=job), State.DONE)
        return decision.outcome(saved)

    return save


def on_cancelled(job: Job) -> None:
    """A creative that was judged before keeps that; any other says that it was stopped."""
    judged = Exists(Prediction.objects.filter(media=OuterRef("current_media")))
    states.move(_creative_of(job).filter(judged), State.DONE)
    states.move(_creative_of(job).filter(~judged), State.FAILED, "cancelled")


def on_retried(job: Job) -> None:
    """Its creative is on its way again, if no other job has taken it up since."""
    states.move(_creative_of(job), State.QUEUED)


def on_failed(job: Job) -> None:
    """A creative whose job failed says why."""
    states.move(_creative_of(job), State.FAILED, job.error_code)


def _creative_of(job: Job) -> QuerySet[Creative]:
    """The job's creative, unless it is another job's by now."""
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

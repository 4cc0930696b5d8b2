"""The straight line from an upload to a prediction, as three stages of one kind of job.

The models are loaded lazily, once per worker process, never before the pool has forked.
"""

from __future__ import annotations

import functools
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.translation import gettext_noop

from creativefilter.creatives import derived, model_versions
from creativefilter.creatives.models import Creative, MediaVersion, Prediction, Transcript
from creativefilter.jobs.kinds import JobError, Kind, Save, Stage, register
from creativefilter.jobs.models import Job

if TYPE_CHECKING:
    from classifier.asr import Transcriber
    from classifier.text_model import TextModel

State = Creative.State


@functools.cache
def transcriber() -> Transcriber:
    """The recogniser of this process, as the settings ask for it."""
    from classifier.asr import load_transcriber

    return load_transcriber(
        engine=settings.WHISPER_ENGINE,
        model=settings.WHISPER_MODEL,
        weights_folder=settings.WEIGHTS_FOLDER,
        language=settings.WHISPER_LANGUAGE or None,
        beam_size=settings.WHISPER_BEAM_SIZE,
        threads=settings.WHISPER_THREADS,
    )


@functools.lru_cache(maxsize=2)
def text_model(folder: str, digest: str) -> TextModel:
    """The model of a version; raises ``ArtefactError`` if its folder holds other bytes by now."""
    from classifier.artefact import ArtefactError
    from classifier.text_model import TextModel

    model = TextModel.load(Path(folder))
    if model.artefact is None or model.artefact.digest != digest:
        raise ArtefactError(Path(folder), "it was replaced since this version was registered")
    return model


def _enter(job: Job, state: str) -> MediaVersion:
    """Shows where the creative is, and returns the media version that the job is about."""
    media = MediaVersion.objects.select_related("creative").filter(pk=job.params["media"]).first()
    if media is None:
        raise JobError("deleted", "the creative was deleted while its job waited")
    Creative.objects.filter(pk=media.creative_id, job=job).update(state=state, error_code="")
    return media


def decode(job: Job) -> Save:
    """Sound and frames out of the upload, in a bounded child process."""
    from classifier.errors import MediaError
    from classifier.media import decode as decode_media

    media = _enter(job, State.DECODING)
    try:
        decoded = decode_media(Path(media.file.path))
    except MediaError as error:
        raise JobError(error.code, error.detail) from error
    probe = asdict(decoded.probe)
    probe["frames"] = derived.write(media.pk, decoded)

    def save() -> None:
        MediaVersion.objects.filter(pk=media.pk).update(
            container=decoded.probe.container,
            seconds=decoded.probe.decoded_seconds,
            partial=decoded.probe.partial,
            share_read=decoded.probe.share_read,
            probe=probe,
        )

    return save


def transcribe(job: Job) -> Save:
    """Speech out of the sound, with what is not speech taken out of the text."""
    from classifier.text import assess_transcript
    from classifier.weights import WeightsError

    media = _enter(job, State.TRANSCRIBING)
    audio = derived.audio(media.pk)
    began = time.monotonic()
    try:
        [heard] = transcriber().transcribe([audio])
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


def classify(job: Job) -> Save:
    """The decision of the active model version on the newest transcript."""
    from classifier.artefact import ArtefactError

    media = _enter(job, State.CLASSIFYING)
    transcript = media.transcripts.first()
    if transcript is None:
        raise JobError("internal", "classifying before transcribing")
    version = model_versions.active()
    prediction = Prediction(
        creative=media.creative, media=media, transcript=transcript, model_version=version
    )
    if transcript.spoken:
        try:
            model = text_model(model_versions.path(version), version.digest)
        except ArtefactError as error:
            raise JobError("no_model", str(error)) from error
        [decided] = model.predict([transcript.speech])
        prediction.segment_id = decided.segment
        prediction.probability = decided.probability
        prediction.probabilities = {str(n): p for n, p in decided.probabilities.items()}
        words = model.explain(transcript.speech, decided.segment)
        prediction.channels = [
            {
                "name": "speech",
                "probabilities": prediction.probabilities,
                "evidence": [asdict(word) for word in words],
            }
        ]
    else:
        prediction.reason = Prediction.Reason.NO_SPEECH

    def save() -> dict[str, Any]:
        prediction.save()
        Creative.objects.filter(pk=media.creative_id, job=job).update(
            state=State.DONE, error_code=""
        )
        return outcome(prediction)

    return save


def outcome(prediction: Prediction) -> dict[str, Any]:
    """What a job puts out for a program: numbers, the dictionary's name, the reason if none."""
    segment = prediction.segment
    return {
        "creative": prediction.creative_id,
        "advertisement_id": prediction.creative.advertisement_id,
        "segment_num": segment.number if segment else None,
        "segment": segment.name if segment else None,
        "probability": prediction.probability,
        "reason": prediction.reason or None,
        "candidates": [
            {"segment_num": number, "probability": probability}
            for number, probability in prediction.candidates()
        ],
        "transcript": prediction.transcript.speech if prediction.transcript else "",
        "model_version": prediction.model_version.name,
    }


def on_failed(job: Job) -> None:
    """A creative whose job failed says why."""
    Creative.objects.filter(pk=job.params["creative"], job=job).update(
        state=State.FAILED, error_code=job.error_code
    )


ANALYSE = register(
    Kind(
        gettext_noop("analyse"),
        (
            Stage(gettext_noop("decoding"), "cpu", decode),
            Stage(gettext_noop("transcribing"), "gpu", transcribe),
            Stage(gettext_noop("classifying"), "cpu", classify),
        ),
        on_failed,
    )
)

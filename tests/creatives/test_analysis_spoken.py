"""A creative in which somebody speaks, through all stages, on real weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from classifier.segments import NUMBERS
from creativefilter.creatives import model_versions
from creativefilter.creatives.analysis import engines, working_copies
from creativefilter.creatives.analysis.decision import candidates
from creativefilter.creatives.models import Creative, Prediction, Segment
from creativefilter.jobs import stage_runner
from creativefilter.jobs.models import Job
from tests.creatives.analysing import (
    DEMO,
    SPOKEN_TOO,
    SPOKEN_TOO_SEGMENT,
    analysed,
    effective,
    evidence_of,
    remembering,
    run,
    take_in,
)

pytestmark = [pytest.mark.django_db, pytest.mark.weights, pytest.mark.any_database]


@pytest.fixture
def creative(folders: Path, recogniser: None) -> Creative:
    return analysed(DEMO / SPOKEN_TOO)


@pytest.fixture
def prediction(creative: Creative) -> Prediction:
    return creative.predictions.get()


def test_the_creative_gets_its_segment_with_a_probability(
    creative: Creative, prediction: Prediction
) -> None:
    assert (creative.state, creative.error_code) == (Creative.State.DONE, "")
    assert prediction.segment_id == SPOKEN_TOO_SEGMENT
    assert prediction.reason == ""
    assert prediction.probability is not None
    assert 0.5 < prediction.probability <= 1
    assert effective(creative).effective_segment == SPOKEN_TOO_SEGMENT
    assert effective(creative).probability == prediction.probability


def test_all_eighteen_segments_get_probabilities_that_sum_to_one(prediction: Prediction) -> None:
    assert {int(number) for number in prediction.probabilities} == set(NUMBERS)
    assert "6" not in prediction.probabilities
    assert sum(prediction.probabilities.values()) == pytest.approx(1)
    best, *others = candidates(prediction)
    assert best == (prediction.segment_id, pytest.approx(prediction.probability))
    assert len(others) == 2
    assert best[1] >= others[0][1] >= others[1][1]


def test_the_words_that_decided_stand_in_the_transcript(prediction: Prediction) -> None:
    assert prediction.transcript is not None
    assert evidence_of(prediction, "speech")
    for word in evidence_of(prediction, "speech"):
        assert prediction.transcript.speech[word["start"] : word["end"]] == word["text"]
        assert word["weight"] > 0
    assert "вклад" in " ".join(word["text"] for word in evidence_of(prediction, "speech")).lower()


def test_prediction_and_transcript_name_the_models_that_made_them(prediction: Prediction) -> None:
    assert prediction.model_version == model_versions.active()
    transcript = prediction.transcript
    assert transcript is not None
    assert (transcript.engine, transcript.model) == ("faster-whisper", remembering().model)
    assert transcript.language == "ru"


def test_the_transcript_has_times_within_the_creative(
    creative: Creative, prediction: Prediction
) -> None:
    transcript, media = prediction.transcript, creative.current_media
    assert transcript is not None
    assert media is not None
    assert transcript.spoken
    assert "годовых" in transcript.speech
    assert transcript.utterances
    assert media.seconds == pytest.approx(11, abs=0.2)
    for utterance in transcript.utterances:
        assert 0 <= utterance["start"] <= utterance["end"] <= media.seconds + 0.1
        assert utterance["text"] in transcript.text


def test_properties_of_the_file_are_stored(creative: Creative) -> None:
    media = creative.current_media
    assert media is not None
    assert "mp4" in media.container
    assert (media.partial, media.share_read) == (False, 1.0)
    assert media.probe["video_codec"] == "h264"
    assert media.probe["audio_codec"] == "aac"
    working = working_copies.folder(media.pk)
    assert working_copies.audio(media.pk).size == pytest.approx(11 * 16_000, rel=0.02)
    assert 1 < len(media.probe["frames"]) <= 16
    for frame in media.probe["frames"]:
        assert (working / frame["file"]).read_bytes().startswith(b"\xff\xd8")
    assert Path(media.file.path).read_bytes() == (DEMO / SPOKEN_TOO).read_bytes()


def test_the_job_has_a_result_for_programs(creative: Creative, prediction: Prediction) -> None:
    job = creative.job
    assert job is not None
    assert (job.state, job.progress, job.attempts) == (Job.State.DONE, 100, 1)
    assert job.finished_at is not None
    assert job.result is not None
    assert job.result == {
        "creative": creative.pk,
        "advertisement_id": "90000025",
        "segment_num": SPOKEN_TOO_SEGMENT,
        "segment": Segment.objects.get(pk=SPOKEN_TOO_SEGMENT).name,
        "probability": prediction.probability,
        "decision": "auto",
        "threshold": prediction.threshold,
        "conflict": False,
        "reason": None,
        "candidates": job.result["candidates"],
        "channels": job.result["channels"],
        "transcript": prediction.transcript.speech if prediction.transcript else None,
        "screen_text": job.result["screen_text"],
        "model_version": prediction.model_version.name,
    }
    assert len(job.result["candidates"]) == 3
    speech = {channel["name"]: channel for channel in job.result["channels"]}["speech"]
    assert speech["segment_num"] == SPOKEN_TOO_SEGMENT
    assert 0.5 < speech["probability"] <= 1


def test_state_and_progress_can_be_followed(
    folders: Path, recogniser: None, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    received = take_in(DEMO / SPOKEN_TOO)
    seen: list[tuple[Any, ...]] = []

    def watched(real: Any) -> Any:

        def look(*args: Any) -> Any:
            job = Job.objects.get(pk=received.job.pk)
            creative = Creative.objects.get(pk=received.creative.pk)
            seen.append((job.state, job.stage, job.progress, creative.state))
            return real(*args)

        return look

    for name in ("transcriber", "screen_reader", "bundle"):
        monkeypatch.setattr(engines, name, watched(getattr(engines, name)))
    settings.PICTURES_ENCODER = "one that cannot be loaded"
    monkeypatch.setattr(engines, "picture_encoder", watched(lambda: None))
    first = stage_runner.run_stage(str(received.job.pk), "decoding", "test")
    assert first is not None
    assert (first.state, first.stage, first.progress) == ("queued", "speech", 20)
    run(first)
    assert seen == [
        ("running", "speech", 20, "speech"),
        ("running", "screen", 40, "screen"),
        ("running", "pictures", 60, "pictures"),
        ("running", "classifying", 80, "classifying"),
    ]

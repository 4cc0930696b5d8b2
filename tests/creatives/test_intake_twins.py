"""Twins take over results, and get a prediction of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from creativefilter.creatives.analysis import engines, twins, working_copies
from creativefilter.creatives.analysis import jobs as analysis_jobs
from creativefilter.creatives.models import Creative, Prediction, Transcript
from creativefilter.jobs.models import Job
from tests.creatives.analysing import DEMO, SPOKEN_TOO, analysed, run, take_in

pytestmark = pytest.mark.django_db
FILM = DEMO / SPOKEN_TOO


def stages(job: Job) -> list[str]:
    return [entry["stage"] for entry in job.timings]


def the_job(creative: Creative) -> Job:
    assert creative.job is not None
    return creative.job


def test_results_of_a_twin_are_taken_over_and_only_the_prediction_is_made(
    folders: Path, recogniser: None, analyst: Any, settings: Any
) -> None:
    settings.PICTURES_ENCODER = ""
    first = analysed(FILM, "501.mp4")
    second = analysed(FILM, "502.wav")
    assert stages(the_job(second)) == ["decoding", "classifying"]
    assert second.state == Creative.State.DONE
    one, other = first.current_media, second.current_media
    assert one is not None
    assert other is not None
    assert (other.seconds, other.shape, other.container) == (one.seconds, one.shape, one.container)
    # The extension .wav of the twin is false: each version is compared with its own file name.
    assert (one.probe["looks_like"], bool(other.probe["looks_like"])) == ("", True)
    assert [row.text for row in other.transcripts.all()] == [
        row.text for row in one.transcripts.all()
    ]
    assert [row.lines for row in other.readings.all()] == [row.lines for row in one.readings.all()]
    judged, again = Prediction.objects.order_by("pk")
    assert (again.creative, again.probabilities) == (second, judged.probabilities)
    assert again.transcript is not None
    assert again.transcript.media == other
    # Working copies are stored once, and both are one family.
    for path in working_copies.folder(one.pk).iterdir():
        assert path.samefile(working_copies.folder(other.pk) / path.name)
    assert one.fingerprint.family_id == other.fingerprint.family_id is not None
    page = Client()
    page.force_login(analyst)
    body = page.get(f"/admin/creatives/creative/{second.pk}/change/").content.decode()
    assert f'href="/admin/creatives/creative/{first.pk}/change/">501</a>' in body

    # After one is deleted the other is complete, and serves as the source of the next.
    first.delete()
    assert working_copies.audio(other.pk).size
    third = analysed(FILM, "503.mp4")
    assert stages(the_job(third)) == ["decoding", "classifying"]
    assert list(twins.of(third)) == [second]

    # "Analyse again" takes nothing over.
    run(analysis_jobs.analyse_again(third, None))
    third.refresh_from_db()
    assert len(stages(the_job(third))) == 5
    assert Transcript.objects.filter(media__creative=third).count() == 2
    assert not (working_copies.folder(other.pk) / working_copies.AUDIO).samefile(
        working_copies.folder(third.current_media_id or 0) / working_copies.AUDIO
    )


def test_twins_uploaded_together_are_transcribed_once(folders: Path, recogniser: None) -> None:
    from creativefilter.jobs import stage_runner

    one, two = take_in(FILM, "504.mp4"), take_in(FILM, "505.mp4")
    for received in (one, two):
        stage_runner.run_stage(str(received.job.pk), "decoding", "w")
    job = Job.objects.get(pk=one.job.pk)
    run(job)
    job = run(Job.objects.get(pk=two.job.pk))
    assert stages(job) == ["decoding", "speech", "classifying"]
    assert Transcript.objects.filter(media=two.media).count() == 1


def test_bytes_of_an_earlier_version_of_the_creative_need_only_a_prediction(
    folders: Path, recogniser: None, settings: Any
) -> None:
    settings.PICTURES_ENCODER = ""
    first = analysed(FILM, "506.mp4")
    analysed(b"no film", "506.mp4")
    back = analysed(FILM, "506.mp4")
    assert back == first
    assert stages(the_job(back)) == ["decoding", "classifying"]
    assert Transcript.objects.count() == 1
    assert Prediction.objects.count() == 2
    assert back.current_media is not None
    assert back.current_media.fingerprint is not None


@pytest.fixture
def with_nothing_on_the_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Function that hides Tesseract and drops the loaded reader."""

    def take_away() -> None:
        monkeypatch.setenv("PATH", "")
        engines.screen_reader.cache_clear()

    yield take_away
    engines.screen_reader.cache_clear()


def test_results_of_demonstrations_and_of_incomplete_twins_are_not_taken_over(
    folders: Path, recogniser: None, settings: Any, with_nothing_on_the_path: Callable[[], None]
) -> None:
    settings.PICTURES_ENCODER = ""
    demo = analysed(FILM, "507.mp4", is_demo=True).current_media
    media = take_in(FILM, "508.mp4").media
    assert demo is not None
    assert twins.known(media) is None
    Creative.objects.update(is_demo=False)
    media.refresh_from_db()
    media.creative.refresh_from_db()
    assert twins.known(media) == demo
    demo.readings.update(problem="no_screen_reader")
    # A screen that could not be read has to be read once a reader is installed.
    assert twins.known(media) == (None if engines.reads_screens() else demo)
    with_nothing_on_the_path()
    assert not engines.reads_screens()
    assert twins.known(media) == demo
    demo.readings.update(problem="")
    (working_copies.folder(demo.pk) / working_copies.AUDIO).unlink()
    assert twins.known(media) is None

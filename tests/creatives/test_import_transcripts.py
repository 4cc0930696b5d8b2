"""manage.py import_transcripts: creatives without a file, predicted by their transcripts."""

from __future__ import annotations

import csv
import io
import threading
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Count
from django.test import Client
from django.urls import reverse
from django.utils import translation

from creativefilter.creatives.analysis import jobs as analysis_jobs
from creativefilter.creatives.models import (
    Creative,
    Label,
    MediaVersion,
    Prediction,
    Transcript,
    WaitingLabel,
)
from creativefilter.jobs.models import Job
from tests.creatives.analysing import run, stored_files, take_in
from tests.tasks.queueing import broker_away, waiting

__all__ = ["broker_away", "waiting"]

pytestmark = pytest.mark.django_db

CARD = "Кредитная карта, целый год без процентов на любые покупки."
DEPOSIT = "Откройте вклад по ставке до шестнадцати процентов годовых. Высокий доход и надёжность."
MUSIC = "ДИНАМИЧНАЯ МУЗЫКА"


def written(folder: Path, *rows: tuple[str, str], name: str = "texts.csv") -> Path:
    path = folder / name
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("Advertisement ID", "text"), *rows])
    return path


def import_transcripts(table: Path, no_decide: bool = True) -> tuple[str, str]:
    """Run the command; return its standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    with translation.override("en"):
        call_command("import_transcripts", str(table), no_decide=no_decide, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def creative(name: str) -> Creative:
    return Creative.objects.get(advertisement_id=name)


def current(row: Creative) -> MediaVersion:
    assert row.current_media
    return row.current_media


def test_a_text_becomes_a_creative_without_a_file(tmp_path: Path, folders: Path) -> None:
    out, err = import_transcripts(written(tmp_path, ("4297908.0", CARD), ("2", MUSIC), ("3", "")))
    row = creative("4297908")
    media = current(row)
    assert (row.name, row.state, row.job) == ("4297908", Creative.State.DONE, None)
    assert (media.file.name, media.size, media.original_name) == ("", 0, "texts.csv")
    transcript = media.transcripts.get()
    assert (transcript.engine, transcript.model) == ("imported", "texts.csv")
    assert (transcript.text, transcript.speech, transcript.spoken) == (CARD, CARD, True)
    silent = current(creative("2")).transcripts.get()
    assert (silent.text, silent.speech, silent.spoken) == (MUSIC, "", False)
    assert not current(creative("3")).transcripts.get().spoken
    assert "New creatives: 3." in out
    assert err == ""
    assert (Job.objects.count(), Prediction.objects.count()) == (0, 0)


def test_the_same_texts_again_change_nothing(tmp_path: Path) -> None:
    table = written(tmp_path, ("1", CARD), ("2", DEPOSIT))
    import_transcripts(table)
    kinds = (Creative, MediaVersion, Transcript)
    before = [list(kind.objects.order_by("pk").values()) for kind in kinds]
    out, _err = import_transcripts(table)
    assert [list(kind.objects.order_by("pk").values()) for kind in kinds] == before
    assert "New creatives: 0.\n" in out
    assert "have this text already: 2." in out


def test_another_text_becomes_current_and_the_old_one_stays(tmp_path: Path) -> None:
    import_transcripts(written(tmp_path, ("1", CARD)))
    first = current(creative("1"))
    out, _err = import_transcripts(written(tmp_path, ("1", DEPOSIT), name="later.csv"))
    assert "text was added or replaced: 1." in out
    second = current(creative("1"))
    assert second.transcripts.get().text == DEPOSIT
    assert creative("1").media.count() == 2
    # The first text again becomes current; no third version is added.
    import_transcripts(written(tmp_path, ("1", CARD)))
    assert current(creative("1")) == first
    assert Transcript.objects.count() == 2


def test_a_creative_with_a_file_is_left_alone(tmp_path: Path, folders: Path) -> None:
    received = take_in(b"bytes", "4297908.avi")
    out, _err = import_transcripts(written(tmp_path, ("4297908", CARD)))
    assert "left as they are: 1." in out
    row = creative("4297908")
    assert (row.current_media, row.state, row.job) == (
        received.media,
        Creative.State.QUEUED,
        received.job,
    )
    assert Transcript.objects.count() == 0


def test_a_file_that_comes_later_becomes_current(tmp_path: Path, folders: Path) -> None:
    import_transcripts(written(tmp_path, ("4297908", CARD)))
    received = take_in(b"bytes", "4297908.avi")
    assert received.creative == creative("4297908")
    assert received.creative.current_media == received.media
    assert received.creative.media.count() == 2


def test_an_upload_of_the_same_bytes_is_another_creative(tmp_path: Path, folders: Path) -> None:
    import_transcripts(written(tmp_path, ("1", CARD)))
    assert take_in(CARD.encode(), "text.wav").creative != creative("1")


def test_labels_that_waited_are_taken(tmp_path: Path) -> None:
    WaitingLabel.objects.create(advertisement_id="1", segment_id=12, source="labels.csv")
    import_transcripts(written(tmp_path, ("1", CARD)))
    label = Label.objects.get()
    assert (label.creative, label.segment_id, label.note) == (creative("1"), 12, "labels.csv")
    assert not WaitingLabel.objects.exists()


def test_bad_rows_are_reported_and_the_others_imported(tmp_path: Path) -> None:
    table = written(
        tmp_path, ("1", CARD), ("", CARD), ("2", CARD), ("2", DEPOSIT), ("1", CARD), ("3", "a\x00b")
    )
    out, err = import_transcripts(table)
    assert set(Creative.objects.values_list("advertisement_id", flat=True)) == {"1", "3"}
    assert current(creative("3")).transcripts.get().text == "ab"
    assert "Row 3: the Advertisement ID is blank." in err
    assert "Row 4: 2 has different values in the rows 4, 5" in err
    assert "Rows that can't be used: 3." in out


def test_a_table_without_usable_rows_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No row of"):
        import_transcripts(written(tmp_path, ("", CARD)))


@pytest.mark.django_db(transaction=True)
def test_the_active_version_predicts_imported_transcripts(tmp_path: Path, waiting: Any) -> None:
    out, _err = import_transcripts(written(tmp_path, ("1", CARD), ("2", MUSIC)), no_decide=False)
    assert "Creatives that wait to be classified: 2." in out
    assert "could not be reached" not in out
    assert waiting("cpu-long") == 1
    for job in Job.objects.all():
        assert run(job).state == Job.State.DONE
    [card, music] = Prediction.objects.order_by("creative__advertisement_id")
    assert (card.segment_id, card.transcript) == (12, card.media.transcripts.get())
    assert (music.segment_id, music.reason) == (None, Prediction.Reason.NO_SPEECH)
    assert creative("1").state == Creative.State.DONE
    # All have predictions by now: there are no more jobs.
    out, _err = import_transcripts(tmp_path / "texts.csv", no_decide=False)
    assert "Creatives that wait to be classified: 0." in out


@pytest.mark.django_db(transaction=True)
def test_without_a_broker_the_jobs_wait_for_the_application(
    tmp_path: Path, broker_away: Any
) -> None:
    out, _err = import_transcripts(written(tmp_path, ("1", CARD), ("2", MUSIC)), no_decide=False)
    assert "The queue could not be reached for 2 of them" in out
    assert Job.objects.filter(state=Job.State.QUEUED, published_at=None).count() == 1
    assert creative("1").state == Creative.State.DONE


def test_without_a_file_only_the_prediction_is_made_again(tmp_path: Path, analyst: User) -> None:
    import_transcripts(written(tmp_path, ("1", CARD)))
    for _again in range(2):
        job = analysis_jobs.analyse_again(creative("1"), analyst)
        assert creative("1").state == Creative.State.QUEUED
        assert run(job).state == Job.State.DONE
    assert creative("1").name == "1"
    assert list(Prediction.objects.values_list("segment", flat=True)) == [12, 12]


def test_the_file_of_an_imported_transcript_is_not_found(
    tmp_path: Path, client: Client, analyst: User, folders: Path
) -> None:
    import_transcripts(written(tmp_path, ("1", CARD)))
    client.force_login(analyst)
    media = current(creative("1"))
    assert client.get(reverse("api:media", args=[media.pk])).status_code == 404
    assert client.get(reverse("api:working-copy", args=[media.pk, "audio.wav"])).status_code == 404
    assert client.get(reverse("admin:creatives_creative_changelist")).status_code == 200
    page = client.get(reverse("admin:creatives_creative_change", args=[creative("1").pk]))
    assert page.status_code == 200


def test_deleting_an_imported_transcript_leaves_the_files_of_others(
    tmp_path: Path, folders: Path, django_capture_on_commit_callbacks: Any
) -> None:
    take_in(b"bytes", "4297908.avi")
    import_transcripts(written(tmp_path, ("1", CARD)))
    with django_capture_on_commit_callbacks(execute=True):
        creative("1").delete()
    assert len(stored_files(folders)) == 1


def test_all_reference_transcripts_are_imported(reference_data: Path) -> None:
    out, err = import_transcripts(reference_data / "transcripts_dev.csv")
    assert err == ""
    assert "New creatives: 1691." in out
    assert Transcript.objects.count() == 1691
    assert Transcript.objects.aggregate(n=Count("media__creative", distinct=True)) == {"n": 1691}


@pytest.mark.django_db(transaction=True)
def test_a_file_uploaded_during_an_import_becomes_current(tmp_path: Path, folders: Path) -> None:
    names = [str(number) for number in range(100, 140)]
    WaitingLabel.objects.bulk_create(
        WaitingLabel(advertisement_id=name, segment_id=12, source="labels.csv") for name in names
    )
    barrier = threading.Barrier(2)

    def upload() -> None:
        try:
            barrier.wait(20)
            for name in names:
                take_in(name.encode(), f"{name}.avi")
        finally:
            connection.close()

    thread = threading.Thread(target=upload)
    thread.start()
    barrier.wait(20)
    for name in names:
        import_transcripts(written(tmp_path, (name, CARD)))
    thread.join(30)
    rows = Creative.objects.select_related("current_media")
    assert {row.advertisement_id: current(row).original_name for row in rows} == {
        name: f"{name}.avi" for name in names
    }
    assert sorted(Label.objects.values_list("creative__advertisement_id", flat=True)) == names

"""manage.py import_labels: labels of a table beside labels of people and predictions."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import translation

from creativefilter.creatives.labels import imports
from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import Creative, Label, Segment, WaitingLabel
from creativefilter.creatives.segments import changes
from tests.creatives.analysing import effective, take_in

pytestmark = pytest.mark.django_db


def written(folder: Path, *lines: str, name: str = "labels.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(["Advertisement ID;Segment_num", *lines, ""]), "utf-8")
    return path


def import_labels(table: Path, dry_run: bool = False) -> tuple[str, str]:
    """Run the command; return its standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    with translation.override("en"):
        call_command("import_labels", str(table), dry_run=dry_run, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def creative(name: str) -> Creative:
    return Creative.objects.create(advertisement_id=name, name=name)


def labels_of(row: Creative) -> list[tuple[int | None, str]]:
    return list(row.labels.order_by("pk").values_list("segment", "note"))


def waiting() -> dict[str, int]:
    return dict(WaitingLabel.objects.values_list("advertisement_id", "segment"))


def test_existing_creatives_are_labelled_and_other_labels_wait(tmp_path: Path) -> None:
    here = creative("1")
    out, err = import_labels(written(tmp_path, "1;12", "2;13"))
    assert labels_of(here) == [(12, "labels.csv")]
    assert here.labels.get().author is None
    assert effective(here).effective_segment == 12
    assert waiting() == {"2": 13}
    assert "New labels: 1." in out
    assert "wait for their creatives: 1, new or changed: 1." in out
    assert err == ""


def test_the_same_table_again_changes_nothing(tmp_path: Path) -> None:
    creative("1")
    table = written(tmp_path, "1;12", "2;13")
    import_labels(table)
    before = list(Label.objects.values()), list(WaitingLabel.objects.values())
    out, _err = import_labels(table)
    assert (list(Label.objects.values()), list(WaitingLabel.objects.values())) == before
    assert "New labels: 0.\nLabels that exist already: 1." in out
    assert "wait for their creatives: 1, new or changed: 0." in out


def test_a_later_table_overrides_an_earlier_one(tmp_path: Path) -> None:
    here = creative("1")
    import_labels(written(tmp_path, "1;12", "2;13"))
    import_labels(written(tmp_path, "1;9", "2;10", name="later.csv"))
    assert labels_of(here) == [(12, "labels.csv"), (9, "later.csv")]
    assert waiting() == {"2": 10}
    assert WaitingLabel.objects.get().source == "later.csv"


def test_labels_of_people_stay_and_are_reported(tmp_path: Path, analyst: User) -> None:
    chosen, agreed, withdrawn = creative("1"), creative("2"), creative("3")
    import_labels(written(tmp_path, "1;3", "2;3", "3;3"))
    for row, number in ((chosen, 12), (agreed, 3), (withdrawn, None)):
        segment = None if number is None else Segment.objects.get(pk=number)
        set_label(row, segment, analyst)
    out, _err = import_labels(written(tmp_path, "1;3", "2;3", "3;3"))
    assert Label.objects.count() == 6
    assert effective(chosen).effective_segment == 12
    assert effective(withdrawn).label_segment is None
    assert "Row 2: 1 keeps 12, which a person set; the table has 3." in out
    assert "Row 4: 3 stays unlabelled, because a person withdrew its label; the table has 3." in out
    assert "Labels that exist already: 1.\nLeft as a person labelled them: 2." in out


def test_a_waiting_label_is_added_when_the_file_arrives(tmp_path: Path, folders: Path) -> None:
    import_labels(written(tmp_path, "4297908;12", "7;13"))
    received = take_in(b"bytes", "4297908.avi")
    assert labels_of(received.creative) == [(12, "labels.csv")]
    assert waiting() == {"7": 13}
    # A later media version does not label the creative again.
    take_in(b"other bytes", "4297908.avi")
    assert len(labels_of(received.creative)) == 1
    assert labels_of(take_in(b"whatever", "unknown.avi", advertisement_id="7").creative) == [
        (13, "labels.csv")
    ]


def test_bad_rows_are_reported_and_the_others_imported(tmp_path: Path) -> None:
    table = written(
        tmp_path,
        "1;12",
        ";13",
        "3;",
        "",
        "5;99",
        "6;card",
        "4,29791E+06;2",
        f"{'8' * 65};2",
        "9\x00;2",
        "10",
        "11;6",
        "12;5,0",
    )
    out, err = import_labels(table)
    assert waiting() == {"1": 12, "11": 0, "12": 5}
    assert "Rows that can't be used: 8." in out
    reported = err.replace("\x1b[0m", "").splitlines()
    assert [line.split(":")[0] for line in reported] == [
        "Row 3", "Row 4", "Row 6", "Row 7", "Row 8", "Row 9", "Row 10", "Row 11",
    ]  # fmt: skip
    assert "the Advertisement ID is blank" in reported[0]
    assert "the segment is blank" in reported[1]
    assert "there is no segment with this number: 99." in reported[2]
    assert "there is no segment with this number: card." in reported[3]
    assert "shortened the Advertisement ID: 4,29791E+06" in reported[4]


def test_contradicting_rows_of_a_table_are_not_used(tmp_path: Path) -> None:
    # Segment 6 is read as 0, so the rows of the Advertisement ID 2 agree.
    out, err = import_labels(written(tmp_path, "1;3", "2;6", "1;12", "2;0"))
    assert waiting() == {"2": 0}
    assert "Row 2: 1 has different values in the rows 2, 4: none of them is used." in err
    assert "Row 4: 1 has different values" in err
    assert "Rows that can't be used: 2." in out


def test_numbers_as_spreadsheets_write_them_are_the_same_id(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for line in (["Advertisement ID", "Segment_num"], [4297908.0, 12.0], [None, None], ["7.0", 1]):
        book.active.append(line)
    book.active.append(["1 234 567", "2"])
    book.active.append(["0042", "3"])
    book.active.append(["#N/A", 3])
    book.active.cell(7, 1).data_type = "e"
    book.save(tmp_path / "labels.xlsx")
    _out, err = import_labels(tmp_path / "labels.xlsx")
    assert waiting() == {"4297908": 12, "7": 1, "1234567": 2, "42": 3}
    assert "Row 7: the Advertisement ID is blank." in err


def test_a_dry_run_counts_and_writes_nothing(tmp_path: Path) -> None:
    creative("1")
    out, _err = import_labels(written(tmp_path, "1;12", "2;13"), dry_run=True)
    assert "New labels: 1." in out
    assert "nothing was written" in out
    assert (Label.objects.count(), WaitingLabel.objects.count()) == (0, 0)


def test_the_shares_of_the_segments_are_shown(tmp_path: Path) -> None:
    out, _err = import_labels(written(tmp_path, "1;0", "2;6", "3;0", "4;12", "4;12", "5;"))
    shares = [line.split() for line in out.splitlines() if "%" in line]
    assert [(line[0], line[1], line[2]) for line in shares] == [
        ("75.00%", "3", "0"),
        ("25.00%", "1", "12"),
    ]


def test_a_table_without_usable_rows_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No row of"):
        import_labels(written(tmp_path, "1;99"))


def test_a_row_that_is_too_long_is_left_out_not_shifted(tmp_path: Path) -> None:
    _out, err = import_labels(written(tmp_path, "1;12;13", "2;13"))
    assert "Row 2: more cells than the heading has." in err
    assert waiting() == {"2": 13}


def test_findings_about_the_table_are_printed(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes(
        "Разметка\n\nID рекламы;Сегмент\n0042;12\n№ 7;3\n".encode("cp866")
    )
    out, err = import_labels(tmp_path / "labels.csv")
    assert waiting() == {"42": 12, "7": 3}
    assert "Encoding: CP866 (DOS)." in out
    assert "The heading is in line 3." in out
    assert "normalised: 2 (0042 → 42, № 7 → 7)." in out
    assert err == ""


def test_waiting_labels_have_a_read_only_page(
    tmp_path: Path, client: Client, analyst: User
) -> None:
    import_labels(written(tmp_path, "4297908;12", "77;13"))
    client.force_login(analyst)
    page = client.get(reverse("admin:creatives_waitinglabel_changelist"), {"q": "4297908"})
    assert page.status_code == 200
    assert "4297908" in page.content.decode()
    assert page.context["cl"].result_count == 1
    assert client.get(reverse("admin:creatives_waitinglabel_add")).status_code == 403


def test_the_whole_reference_table_is_imported(reference_data: Path) -> None:
    rows = (reference_data / "train_segments.csv").read_text("utf-8").splitlines()[1:]
    for name in (rows[0].split(",")[0], rows[-1].split(",")[0]):
        creative(name)
    out, err = import_labels(reference_data / "train_segments.csv")
    assert err == ""
    assert Label.objects.count() == 2
    assert WaitingLabel.objects.count() == len(rows) - 2
    assert " 55.59%    9861  0 · " in out


@pytest.mark.django_db(transaction=True)
def test_no_label_is_left_waiting_for_a_creative_that_arrives_meanwhile(tmp_path: Path) -> None:
    table = written(tmp_path, "1;12")
    here, imported = threading.Event(), threading.Event()

    def arrive() -> None:
        try:
            with transaction.atomic():
                imports.take_waiting([creative("1")])
                here.set()
                # The import has to wait for this commit; otherwise it would finish in this time.
                imported.wait(0.5)
        finally:
            here.set()
            connection.close()

    thread = threading.Thread(target=arrive)
    thread.start()
    here.wait(20)
    import_labels(table)
    imported.set()
    thread.join(20)
    assert labels_of(Creative.objects.get(advertisement_id="1")) == [(12, "labels.csv")]
    assert waiting() == {}


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, Callable[[], Any]], None]:
    """``meanwhile(table, action)``: the action starts when the import has read the newest labels.

    If nothing makes the action wait for the import, it ends before the import writes.
    """
    real = imports._newest_labels

    def run(table: Path, action: Callable[[], Any]) -> None:
        done = threading.Event()

        def work() -> None:
            try:
                action()
            finally:
                done.set()
                connection.close()

        thread = threading.Thread(target=work)

        def read_then_wait(creatives: Sequence[int]) -> dict[int, tuple[int | None, bool]]:
            newest = real(creatives)
            if not thread.ident:  # the action may read labels, too
                thread.start()
                done.wait(0.5)
            return newest

        monkeypatch.setattr(imports, "_newest_labels", read_then_wait)
        import_labels(table)
        thread.join(20)

    return run


@pytest.mark.django_db(transaction=True)
def test_a_file_that_comes_during_an_import_gets_its_label(
    tmp_path: Path, folders: Path, meanwhile: Callable[[Path, Callable[[], Any]], None]
) -> None:
    meanwhile(written(tmp_path, "4297908;12"), lambda: take_in(b"bytes", "4297908.avi"))
    assert labels_of(Creative.objects.get()) == [(12, "labels.csv")]
    assert waiting() == {}


@pytest.mark.django_db(transaction=True)
def test_a_label_set_during_an_import_wins(
    tmp_path: Path, analyst: User, meanwhile: Callable[[Path, Callable[[], Any]], None]
) -> None:
    row, card = creative("1"), Segment.objects.get(pk=12)
    meanwhile(written(tmp_path, "1;3"), lambda: set_label(row, card, analyst))
    assert [segment for segment, _note in labels_of(row)] == [3, 12]
    assert effective(row).effective_segment == 12


def test_rows_of_merged_segments_count_as_their_targets_with_a_note(tmp_path: Path) -> None:
    here = creative("1")
    Label.objects.create(creative=here, segment_id=4)
    changes.merge(4, 0)
    out, err = import_labels(written(tmp_path, "1;6", "2;4", "3;6", "4;3"))
    assert "Rows with the number of a segment that was merged into another one: 3" in out
    assert "(4 → 0, 6 → 0)." in out
    assert err == ""
    # The label of 1 counts as 0 already.
    assert labels_of(here) == [(4, "")]
    assert waiting() == {"2": 0, "3": 0, "4": 3}
    WaitingLabel.objects.filter(pk="2").update(segment=4)
    out, _err = import_labels(written(tmp_path, "2;0"))
    assert "wait for their creatives: 1, new or changed: 0." in out


def test_rows_of_retired_segments_are_refused(tmp_path: Path) -> None:
    changes.retire(15)
    _out, err = import_labels(written(tmp_path, "1;15", "2;14"))
    assert "Row 2: segment 15 is retired." in err
    assert waiting() == {"2": 14}

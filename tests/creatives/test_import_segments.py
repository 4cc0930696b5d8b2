"""The command that imports a dictionary of segments."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from creativefilter.creatives.models import Segment
from creativefilter.creatives.segments import changes, dictionary_import
from creativefilter.creatives.segments.changes import SegmentError

pytestmark = pytest.mark.django_db
ROWS = ("0,Промо/Нет/Нет", "6,промо/Нет/Нет", "12,Карты", "19,Страхование", "20,страхование")


@pytest.fixture
def dictionary(tmp_path: Path) -> Path:
    path = tmp_path / "dictionary.csv"
    path.write_text("\n".join(("Segment_num,Segment", *ROWS)), "utf-8")
    return path


def command(*arguments: object) -> str:
    output = io.StringIO()
    with translation.override("en"):
        call_command("import_segments", *arguments, stdout=output, stderr=output)
    return output.getvalue()


def numbers() -> set[int]:
    return set(Segment.objects.values_list("number", flat=True))


def test_a_dry_run_shows_the_changes_and_writes_nothing(dictionary: Path) -> None:
    shown = command(dictionary, "--dry-run")
    for sentence in (
        "New segment 19: Страхование.",
        "Segment 20 repeats segment 19: it is merged into it.",
        "Segment 12 gets another name: Кредитные карты → Карты.",
        "Segments that stay as they are: 2.",
    ):
        assert sentence in shown
    assert numbers() == set(range(19))


def test_new_numbers_get_the_group_and_a_second_run_changes_nothing(dictionary: Path) -> None:
    command(dictionary, "--group", "banks")
    assert numbers() == set(range(21))
    assert Segment.objects.get(pk=19).group_id == "banks"
    assert Segment.objects.get(pk=20).merged_into_id == 19
    assert Segment.objects.get(pk=12).name == "Карты"
    before = list(Segment.objects.values())
    assert "Segments that stay as they are: 5." in command(dictionary)
    assert list(Segment.objects.values()) == before


def test_an_unknown_group_is_refused(dictionary: Path) -> None:
    with pytest.raises(CommandError, match="there are retail, banks, ecosystems"):
        command(dictionary, "--group", "zoo")
    assert numbers() == set(range(19))


@pytest.mark.parametrize(
    "row", ["-1,a", "10000,a", "1.5,a", "x,a", "19,", f"19,{'a' * 129}", "19,a\n19,b"]
)
def test_rows_that_can_not_be_used_are_left_out(dictionary: Path, row: str) -> None:
    dictionary.write_text(f"Segment_num,Segment\n21,Такси\n{row}\n", "utf-8")
    assert "\nRow 3: " in command(dictionary)
    assert numbers() == {*range(19), 21}


def test_a_new_segment_may_repeat_a_renamed_one(dictionary: Path) -> None:
    dictionary.write_text("Segment_num,Segment\n15,Звук\n19,звук\n20,Музыка\n", "utf-8")
    command(dictionary)
    assert Segment.objects.get(pk=19).merged_into_id == 15
    assert Segment.objects.get(pk=20).merged_into_id is None


def test_all_changes_are_made_or_none() -> None:
    plan = dictionary_import.plan({19: "Страхование", 20: "страхование", 12: "Карты"})
    changes.save(Segment(number=20, name="Такси", group_id="ecosystems"))
    with pytest.raises(SegmentError):
        dictionary_import.apply(plan)
    assert numbers() == {*range(19), 20}
    assert Segment.objects.get(pk=12).name == "Кредитные карты"

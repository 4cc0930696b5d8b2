"""The segments of a new installation as rows, and what of them survives an upgrade."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.utils import translation

from classifier.segments import GROUPS, SEGMENTS
from creativefilter.creatives.models import Segment, SegmentGroup

pytestmark = pytest.mark.django_db


def test_number_six_is_a_row_that_counts_as_zero() -> None:
    assert [one.number for one in Segment.objects.all()] == list(range(19))
    merged = Segment.objects.exclude(merged_into=None).values_list(
        "number", "merged_into", "merge_target"
    )
    assert list(merged) == [(6, 0, 0)]
    assert [one.number for one in Segment.objects.in_use()] == [0, 1, 2, 3, 4, 5, *range(7, 19)]


def test_each_segment_has_its_name_criteria_and_group_in_both_languages() -> None:
    rows = Segment.objects.unmerged().select_related("group")
    for segment, known in zip(rows, SEGMENTS, strict=True):
        assert (segment.name, segment.criteria) == (known.name, known.criteria)
        assert (segment.name_en, segment.criteria_en) == (known.name_en, known.criteria_en)
        assert all((segment.name, segment.name_en, segment.criteria, segment.criteria_en))
        assert segment.group_id == known.group
    groups = [(one.key, one.name, one.name_en) for one in SegmentGroup.objects.all()]
    assert groups == [(one.key, one.name, one.name_en) for one in GROUPS]


def test_a_segment_is_shown_in_the_readers_language() -> None:
    segment = Segment.objects.select_related("group").get(pk=12)
    with translation.override("ru"):
        assert str(segment) == "12 · Кредитные карты"
        assert segment.description.startswith("Кредитная карта")
        assert str(segment.group) == "Банки"
    with translation.override("en"):
        assert str(segment) == "12 · Credit cards"
        assert segment.description.startswith("A credit")
        assert str(segment.group) == "Banks"


@pytest.mark.parametrize("language", ["ru", "en"])
def test_a_segment_without_an_english_name_is_shown_by_its_russian_one(language: str) -> None:
    segment = Segment(number=19, name="Страхование", criteria="ОСАГО")
    with translation.override(language):
        assert (segment.title, segment.description) == ("Страхование", "ОСАГО")


def test_migrating_again_adds_what_is_missing_and_changes_nothing_else() -> None:
    group = SegmentGroup.objects.create(key="insurance", name="Страхование")
    SegmentGroup.objects.filter(pk="banks").update(name="Банки и платежи")
    Segment.objects.filter(pk=12).update(name="Карты с лимитом", criteria="", group=group)
    Segment.objects.filter(pk=6).update(merged_into=1, merge_target=1)
    Segment.objects.filter(pk=18).delete()
    call_command("migrate", verbosity=0)
    changed = Segment.objects.get(pk=12)
    assert (changed.name, changed.criteria, changed.group) == ("Карты с лимитом", "", group)
    assert SegmentGroup.objects.get(pk="banks").name == "Банки и платежи"
    assert Segment.objects.get(pk=6).merged_into_id == 1
    assert Segment.objects.get(pk=18).name == "Соц сети"


def test_rows_of_a_release_without_groups_get_theirs() -> None:
    Segment.objects.filter(pk=6).delete()
    Segment.objects.update(group=None)
    call_command("migrate", verbosity=0)
    groups = Segment.objects.values_list("number", "group")
    assert {number: group for number, group in groups if number in (0, 6, 13, 14)} == {
        0: "retail", 6: "retail", 13: "banks", 14: "ecosystems"
    }  # fmt: skip

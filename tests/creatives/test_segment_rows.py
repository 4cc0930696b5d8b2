"""The dictionary as rows: eighteen segments, described in both languages."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.utils import translation

from classifier.segments import SEGMENTS
from creativefilter.creatives.models import Segment

pytestmark = pytest.mark.django_db


def test_there_are_eighteen_segments_and_none_is_number_six() -> None:
    numbers = list(Segment.objects.values_list("number", flat=True))
    assert numbers == [0, 1, 2, 3, 4, 5, *range(7, 19)]


def test_each_segment_has_its_name_and_criteria_in_both_languages() -> None:
    for segment, known in zip(Segment.objects.all(), SEGMENTS, strict=True):
        assert (segment.name, segment.criteria) == (known.name, known.criteria)
        assert (segment.name_en, segment.criteria_en) == (known.name_en, known.criteria_en)
        assert all((segment.name, segment.name_en, segment.criteria, segment.criteria_en))


def test_a_segment_is_shown_in_the_readers_language() -> None:
    segment = Segment.objects.get(pk=12)
    with translation.override("ru"):
        assert str(segment) == "12 · Кредитные карты"
        assert segment.description.startswith("Кредитная карта")
    with translation.override("en"):
        assert str(segment) == "12 · Credit cards"
        assert segment.description.startswith("A credit")


def test_migrating_again_restores_changed_and_deleted_segments() -> None:
    Segment.objects.filter(pk=12).update(name="?")
    Segment.objects.filter(pk=18).delete()
    call_command("migrate", verbosity=0)
    assert Segment.objects.get(pk=12).name == "Кредитные карты"
    assert Segment.objects.count() == 18

"""The exam set: which creatives are assigned to it, and that no mark is ever removed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from creativefilter.creatives.families import exam_set, grouping
from creativefilter.creatives.models import Creative, Fingerprint, Transcript, UnitMember
from creativefilter.creatives.stored_ids import set_advertisement_id
from creativefilter.embedded.preparation import prepare
from creativefilter.site import doctor
from tests.at_once import at_once
from tests.creatives.families_made import arrived, media_of, new_media
from tests.spots import spot

pytestmark = pytest.mark.django_db


def named(drawn: bool, number: int = 0) -> str:
    """Return an Advertisement ID that is in the exam set if it stands alone, or one that is not."""
    found = (str(one) for one in range(1_000, 10**6) if exam_set.is_drawn(str(one)) == drawn)
    for _ in range(number):
        next(found)
    return next(found)


def came(name: str, seed: int, **options: Any) -> Creative:
    """Store a creative with this Advertisement ID as a worker does."""
    creative = arrived(None, **options)
    Creative.objects.filter(pk=creative.pk).update(advertisement_id=name)
    grouping.store(media_of(creative), spot(seed))
    return creative


def marks(*creatives: Creative) -> list[bool | None]:
    found = dict(Creative.objects.values_list("pk", "is_exam"))
    return [found[creative.pk] for creative in creatives]


def test_the_share_of_drawn_ids_is_that_of_the_exam_set() -> None:
    drawn = sum(exam_set.is_drawn(str(number)) for number in range(4_000_000, 4_020_000))
    assert 0.14 < drawn / 20_000 < 0.16


def test_a_creative_alone_is_assigned_by_its_normalised_id() -> None:
    ids = [named(True, number) for number in range(20)]
    zeros = next(f"00{one}" for one in ids if not exam_set.is_drawn(f"00{one}"))
    exam, taught = came(zeros, 1), came(named(False), 2)
    assert marks(exam, taught) == [True, False]


def test_another_id_changes_no_mark() -> None:
    taught = came(named(False), 1)
    set_advertisement_id(taught, named(True))
    assert marks(taught, came(named(True, 1), 1)) == [False, False]


def test_without_an_id_the_bytes_decide() -> None:
    creatives = [arrived(spot(seed)) for seed in range(30)]
    expected = [exam_set.is_drawn(media_of(creative).sha256) for creative in creatives]
    assert marks(*creatives) == expected
    assert set(expected) == {True, False}


def test_a_new_member_of_a_family_is_what_the_family_is() -> None:
    exam, taught = came(named(True), 1), came(named(False), 2)
    joins_exam, joins_taught = came(named(False, 1), 1), came(named(True, 1), 2)
    assert marks(exam, joins_exam, taught, joins_taught) == [True, True, False, False]


def test_families_that_are_merged_become_exam_as_a_whole() -> None:
    taught = [came(named(False, number), 1) for number in range(2)]
    exam = came(named(True), 2)
    both = arrived(None)
    grouping.store(media_of(both), spot(1, 2))
    other = came(named(False, 5), 3)
    assert marks(*taught, exam, both, other) == [True, True, True, True, False]


def test_the_mark_outlives_relatives_new_media_and_splits() -> None:
    one, middle, last = came(named(True), 1), arrived(None), came(named(False), 2)
    grouping.store(media_of(middle), spot(1, 2))
    assert marks(one, middle, last) == [True, True, True]
    middle.delete()
    assert marks(one, last) == [True, True]
    one.refresh_from_db()
    grouping.store(new_media(one), spot(3))
    assert marks(one, last) == [True, True]


def test_creatives_that_were_in_one_family_become_exam_together() -> None:
    one, middle, last = came(named(False), 1), arrived(None), came(named(False, 1), 2)
    grouping.store(media_of(middle), spot(1, 2))
    middle.delete()
    assert grouping.family_of(one) is grouping.family_of(last) is None
    exam = came(named(True), 3)
    both = arrived(None)
    grouping.store(media_of(both), spot(2, 3))
    assert marks(one, last, exam, both) == [True, True, True, True]


def test_a_key_of_a_deleted_creative_stays_in_its_unit() -> None:
    one, other = came(named(False), 1), came(named(False, 1), 1)
    key = one.pk
    one.delete()
    units = dict(UnitMember.objects.values_list("pk", "unit"))
    assert units == {key: key, other.pk: key}


def test_the_demonstration_is_never_assigned() -> None:
    demo = came(named(True), 1, is_demo=True)
    assert marks(demo) == [None]
    assert not UnitMember.objects.exists()


def test_a_demonstration_creative_that_a_user_adds_is_assigned_alone() -> None:
    demo, other = came(named(True), 1, is_demo=True), came(named(True, 1), 1, is_demo=True)
    Creative.objects.filter(pk=demo.pk).update(is_demo=False)
    grouping.store(media_of(demo), spot(1))
    assert marks(demo, other) == [True, None]


def test_an_imported_transcript_is_assigned(tmp_path: Path, folders: Path) -> None:
    from tests.creatives.test_import_transcripts import CARD, import_transcripts, written

    import_transcripts(written(tmp_path, (named(True), CARD), (named(False), CARD + " Сейчас.")))
    found = dict(Creative.objects.values_list("advertisement_id", "is_exam"))
    assert found == {named(True): True, named(False): False}


# Creatives of an earlier release


def forget() -> None:
    """Leave the database as an earlier release would have."""
    UnitMember.objects.all().delete()
    Creative.objects.update(is_exam=None)


def analysed(*creatives: Creative) -> None:
    Transcript.objects.bulk_create(
        Transcript(media=media_of(creative), spoken=False, seconds_taken=0)
        for creative in creatives
    )


def test_existing_creatives_are_assigned_by_whole_families(
    monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    monkeypatch.setattr(exam_set, "_BATCH", 2)
    exam = [came(named(True), 1), *(came(named(False, number), 1) for number in range(3))]
    taught = [came(named(False, 5), 2), came(named(True, 1), 2)]
    alone, waiting, demo = came(named(True, 2), 3), arrived(None), came("7", 4, is_demo=True)
    forget()
    analysed(*exam, *taught, alone, demo)
    settings.DATA_DIR = tmp_path
    prepare()
    assert marks(*exam, *taught) == [True] * 4 + [False] * 2
    assert marks(alone, waiting, demo) == [True, None, None]


def test_a_family_of_an_earlier_release_is_assigned_with_its_new_member() -> None:
    old = [came(named(True), 1), came(named(False), 1)]
    forget()
    new = came(named(False, 1), 1)
    assert marks(*old, new) == [True, True, True]


def test_the_same_fingerprint_again_assigns_a_creative() -> None:
    one = came(named(True), 1)
    forget()
    grouping.store(media_of(one), spot(1))
    assert marks(one) == [True]


def test_regrouping_everything_marks_merged_families() -> None:
    exam, taught = came(named(True), 1), came(named(False), 2)
    both = arrived(None)
    grouping.store(media_of(both), spot(1, 2))
    UnitMember.objects.all().delete()
    Creative.objects.update(is_exam=False)
    Creative.objects.filter(pk=exam.pk).update(is_exam=True)
    Fingerprint.objects.update(family=None)
    grouping.regroup_all()
    assert marks(exam, taught, both) == [True, True, True]


# The system check


def test_the_system_check_finds_and_repairs_families_that_disagree() -> None:
    exam, member, other = came(named(True), 1), came(named(False), 1), came(named(False, 1), 2)
    check = next(one for one in doctor.registered() if one.name == "families and the exam set")
    assert list(check.look()) == []
    Creative.objects.filter(pk=member.pk).update(is_exam=False)
    [finding] = check.look()
    assert (finding.code, finding.count) == ("families_partly_exam", 1)
    assert list(finding.things) == [str(Creative.objects.get(pk=member.pk))]
    assert check.repair
    check.repair()
    assert list(check.look()) == []
    assert marks(exam, member, other) == [True, True, False]


# Concurrent transactions


@pytest.mark.django_db(transaction=True)
def test_relatives_stored_concurrently_agree() -> None:
    for seed in range(4):
        creatives = [arrived(None) for _ in range(4)]
        names = [named(number % 2 == 0, 10 * seed + number) for number in range(4)]
        for creative, name in zip(creatives, names, strict=True):
            Creative.objects.filter(pk=creative.pk).update(advertisement_id=name)
        at_once(
            *(
                lambda one=one, seed=seed: grouping.store(media_of(one), spot(seed))
                for one in creatives
            )
        )
        [mark] = set(marks(*creatives))
        assert mark is not None

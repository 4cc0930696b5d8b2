"""Near duplicates become families when they are stored, and are regrouped on deletion."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import translation

from classifier.fingerprints import Fingerprint as Print
from classifier.fingerprints import sound
from creativefilter.creatives.analysis import working_copies
from creativefilter.creatives.families import fingerprints as prints
from creativefilter.creatives.families import grouping
from creativefilter.creatives.families.fingerprints import NewFingerprint
from creativefilter.creatives.models import (
    Creative,
    Family,
    FamilyLink,
    Fingerprint,
    FingerprintKey,
    MediaVersion,
)
from tests.at_once import at_once
from tests.creatives.analysing import DEMO, SPOKEN, analysed
from tests.creatives.families_made import arrived, made, media_of, new_media, together
from tests.near_duplicates import melody, needs_chromaprint, scenes

pytestmark = [pytest.mark.django_db, needs_chromaprint]


def test_cuts_of_one_spot_are_a_family_without_other_spots() -> None:
    other = arrived(made(2))
    whole, cut, radio = arrived(made(1)), arrived(made(1, 9, 4)), arrived(made(3, 12, 0))
    assert together(whole, cut)
    assert grouping.family_of(other) is grouping.family_of(radio) is None
    [relative] = grouping.relatives(whole)
    assert relative.creative == cut
    assert relative.link is not None
    assert relative.link.sound > 0.9
    assert relative.link.pictures > 0.9


def test_disjoint_cuts_are_a_family_through_the_whole_spot() -> None:
    spot = made(1).print
    whole = NewFingerprint(spot, sound_compared=True)
    first, last = (
        NewFingerprint(
            Print(spot.sound[:, :0].reshape(0, 0), half, spot.words[:0], True), sound_compared=True
        )
        for half in (spot.pictures[:3], spot.pictures[3:])
    )
    one, other = arrived(first), arrived(last)
    assert grouping.family_of(one) is None
    all_of_it = arrived(whole)
    assert together(one, other, all_of_it)
    all_of_it.delete()
    assert Family.objects.count() == FamilyLink.objects.count() == 0


def test_a_family_keeps_its_number_while_members_come_and_go() -> None:
    creatives = [arrived(made(1)) for _ in range(4)]
    number = grouping.family_of(creatives[0])
    creatives[1].delete()
    Creative.objects.filter(pk=creatives[2].pk).delete()
    assert grouping.family_of(creatives[0]) == grouping.family_of(creatives[3]) == number
    assert set(grouping.members(creatives[0])) == {creatives[0], creatives[3]}
    creatives[3].delete()
    assert grouping.family_of(creatives[0]) is None
    assert Family.objects.count() == 0


def test_all_of_a_family_deleted_at_once_leaves_nothing() -> None:
    for _ in range(3):
        arrived(made(1))
    Creative.objects.all().delete()
    left = [model.objects.count() for model in (Family, Fingerprint, FingerprintKey, FamilyLink)]
    assert left == [0, 0, 0, 0]


def test_another_file_for_a_creative_takes_it_out_of_its_family() -> None:
    one, other = arrived(made(1)), arrived(made(1))
    grouping.store(new_media(one), made(2))
    assert grouping.family_of(one) is grouping.family_of(other) is None
    assert Fingerprint.objects.filter(media__creative=one).count() == 1


def test_a_fingerprint_that_comes_late_for_an_old_file_is_not_stored() -> None:
    one = arrived(None)
    old = media_of(one)
    new_media(one)
    assert grouping.store(old, made(1)) is None
    assert not Fingerprint.objects.exists()


def test_the_same_fingerprint_again_changes_nothing() -> None:
    one, other = arrived(made(1)), arrived(made(1))
    before = list(Fingerprint.objects.values_list())
    grouping.store(media_of(one), made(1))
    assert list(Fingerprint.objects.values_list()) == before
    assert together(one, other)


def test_equal_bytes_are_a_family_even_with_an_empty_fingerprint() -> None:
    nothing = prints.make(melody(1, 0), [], "")
    one, other = arrived(None), arrived(None)
    MediaVersion.objects.update(sha256="ab" * 32)
    for creative in (one, other):
        creative.refresh_from_db()
        grouping.store(media_of(creative), nothing)
    assert together(one, other)


def test_demonstration_creatives_join_no_family_of_real_ones() -> None:
    arrived(made(1), is_demo=True)
    assert grouping.family_of(arrived(made(1))) is None


def test_crowded_keys_are_not_stored_and_other_keys_still_match(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prints, "CROWDED", 2)
    for _ in range(2):
        arrived(made(1))
    written = FingerprintKey.objects.count()
    third = arrived(made(1))
    assert FingerprintKey.objects.count() == written
    assert grouping.members(third).count() == 3


def test_without_chromaprint_near_duplicates_are_found_by_pictures(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sound, "_LIBRARIES", ())
    sound.library.cache_clear()
    without_sound = [prints.make(melody(1, 12), scenes(1, 6), "") for _ in range(2)]
    assert [one.sound_compared for one in without_sound] == [False, False]
    assert len([r for r in caplog.records if r.name == prints.__name__]) == 1
    assert not prints.can_compare_sounds()
    assert together(*map(arrived, without_sound))
    monkeypatch.undo()
    sound.library.cache_clear()


@pytest.mark.weights
def test_a_spot_and_its_radio_cut_find_each_other_when_they_are_analysed(
    folders: Path, recogniser: None, tmp_path: Path
) -> None:
    from classifier.media import write_wav

    other, spot = arrived(made(2)), analysed(DEMO / SPOKEN)
    write_wav(tmp_path / "radio.wav", 0.7 * working_copies.audio(media_of(spot).pk)[9_000:])
    assert together(spot, analysed(tmp_path / "radio.wav"))
    assert grouping.family_of(other) is None
    assert Fingerprint.objects.filter(sound_compared=True, has_pictures=False).count() == 1


# The command


def output(*options: str) -> str:
    out = StringIO()
    with translation.override("en"):
        call_command("find_families", *options, stdout=out)
    return out.getvalue()


def decoded(creative: Creative, folder: Path, seed: int) -> None:
    """Write working copies as the decoder does."""
    from classifier.media import encode_jpeg, write_wav

    media = media_of(creative)
    working_copies.folder(media.pk).mkdir(parents=True)
    write_wav(working_copies.folder(media.pk) / working_copies.AUDIO, melody(seed, 12))
    frames = []
    for number, picture in enumerate(scenes(seed, 6)):
        name = f"frame-{number:02d}.jpg"
        (working_copies.folder(media.pk) / name).write_bytes(encode_jpeg(picture))
        frames.append({"seconds": float(number), "file": name})
    MediaVersion.objects.filter(pk=media.pk).update(probe={"frames": frames}, file="a.mp4")


def test_the_command_makes_missing_fingerprints_and_regroups(folders: Path) -> None:
    creatives = [arrived(None) for _ in range(3)]
    for creative, seed in zip(creatives, (1, 1, 2), strict=True):
        decoded(creative, folders, seed)
    waiting = arrived(None)
    MediaVersion.objects.filter(pk=media_of(waiting).pk).update(file="b.mp4")
    printed = output()
    assert "3" in printed.splitlines()[0]
    assert together(*creatives[:2])
    Fingerprint.objects.update(family=None)
    Family.objects.all().delete()
    assert "0" in output().splitlines()[0]
    assert together(*creatives[:2])
    Fingerprint.objects.update(method="of another program")
    assert "3" in output().splitlines()[0]
    assert "3" in output("--all").splitlines()[0]
    assert together(*creatives[:2])


# Concurrent transactions


@pytest.mark.django_db(transaction=True)
def test_near_duplicates_stored_concurrently_are_linked() -> None:
    creatives = [arrived(None) for _ in range(4)]
    fingerprints = [made(1), made(1, 9, 4), made(1, 10, 5), made(1)]
    at_once(
        *(
            lambda one=one, fingerprint=fingerprint: grouping.store(media_of(one), fingerprint)
            for one, fingerprint in zip(creatives, fingerprints, strict=True)
        )
    )
    assert together(*creatives)


@pytest.mark.django_db(transaction=True)
def test_deletion_while_a_near_duplicate_is_stored() -> None:
    for _ in range(3):
        old, new = arrived(made(1)), arrived(None)
        at_once(old.delete, lambda new=new: grouping.store(media_of(new), made(1)))
        assert grouping.family_of(new) is None
        assert Family.objects.count() == FamilyLink.objects.count() == 0
        new.delete()

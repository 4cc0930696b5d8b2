"""Cut, re-encoded and revoiced versions of a spot are recognised; other spots are not."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from classifier.fingerprints import (
    Fingerprint,
    SoundUnavailable,
    compare,
    compare_if_same,
    fingerprint_of,
    index_keys,
    query_keys,
    sound,
)
from tests.near_duplicates import SPEECH, melody, needs_chromaprint, scene, scenes

Sound = NDArray[np.float32]
Picture = NDArray[np.uint8]


def degraded(audio: Sound, start: float, end: float) -> Sound:
    """Return the sound from ``start`` to ``end``, in seconds, 3 dB quieter, with codec-like noise.

    The cut is not at the start of an item of the fingerprint.
    """
    cut = audio[int(start * 16_000) + 777 : int(end * 16_000)] * 0.708
    noise = np.random.default_rng(5).normal(0, 0.004, len(cut))
    return (cut + noise).astype(np.float32)


def encoded(picture: Picture, quality: int = 30) -> Picture:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


def letterboxed(picture: Picture) -> Picture:
    boxed = np.zeros_like(picture)
    small = Image.fromarray(picture).resize((320, 120))
    boxed[30:150] = np.asarray(small)
    return boxed


def smaller(picture: Picture) -> Picture:
    return np.asarray(Image.fromarray(picture).resize((160, 90)))


def print_of_pictures(pictures: list[Picture]) -> Fingerprint:
    return fingerprint_of(None, pictures, "")


@needs_chromaprint
def test_part_of_a_sound_is_found_in_the_whole() -> None:
    whole = fingerprint_of(melody(1, 20), [], "")
    part = fingerprint_of(degraded(melody(1, 20), 3.0, 14.0), [], "")
    shared = compare(part, whole).sound
    assert shared.share > 0.9
    assert shared.errors < 0.12
    assert 7 < shared.seconds < 11


@needs_chromaprint
def test_sound_cut_between_items_is_found_by_its_keys() -> None:
    stored = set(index_keys(fingerprint_of(melody(1, 20), [], "")))
    queried = query_keys(fingerprint_of(degraded(melody(1, 20), 3.0, 14.0), [], ""))
    other = query_keys(fingerprint_of(melody(2, 20), [], ""))
    assert len(stored.intersection(queried)) >= 8
    assert len(stored.intersection(other)) <= 2


@needs_chromaprint
def test_other_sounds_and_silence_share_nothing() -> None:
    one, other = (fingerprint_of(melody(seed, 15), [], "") for seed in (1, 2))
    assert compare(one, other).sound.share < 0.2
    silent = fingerprint_of(np.zeros(15 * 16_000, np.float32), [], "")
    assert compare(silent, silent).sound.seconds == 0
    assert index_keys(silent) == []


@needs_chromaprint
def test_sound_with_a_part_cut_out_shares_the_rest() -> None:
    whole = melody(1, 30)
    cut = np.concatenate([whole[: 10 * 16_000], whole[18 * 16_000 :]])
    shared = compare(fingerprint_of(cut, [], ""), fingerprint_of(whole, [], "")).sound
    assert shared.share > 0.8


@pytest.mark.parametrize("change", [encoded, letterboxed, smaller, lambda p: p[:, ::-1]])
def test_changed_pictures_are_recognised(change: object) -> None:
    assert callable(change)
    changed = [np.ascontiguousarray(change(picture)) for picture in scenes(1, 6)]
    shared = compare(print_of_pictures(changed), print_of_pictures(scenes(1, 6))).pictures
    assert (shared.count, shared.share) == (6, 1.0)
    assert set(query_keys(print_of_pictures(changed))) & set(
        index_keys(print_of_pictures(scenes(1, 6)))
    )


def test_other_pictures_are_not_recognised() -> None:
    spots = [print_of_pictures(scenes(number, 8)) for number in range(1, 9)]
    found = [compare(one, other).pictures.count for one, other in combinations(spots, 2)]
    assert max(found) == 0


def test_plain_pictures_have_no_hash() -> None:
    plain = [np.full((180, 320, 3), level, np.uint8) for level in (0, 90, 255)]
    spot = print_of_pictures(plain)
    assert (len(spot.pictures), spot.has_pictures, index_keys(spot)) == (0, True, [])
    assert not compare(spot, spot).same_spot


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1)])
def test_pictures_of_absurd_sizes_share_nothing(size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    assert not compare(print_of_pictures([picture]), print_of_pictures([picture])).same_spot


def test_encodings_of_one_shot_count_as_one_picture() -> None:
    assert (
        len(
            print_of_pictures([encoded(scene(1), quality) for quality in (30, 50, 70, 90)]).pictures
        )
        == 1
    )


@needs_chromaprint
@pytest.mark.parametrize("samples", [0, 1, 15_999])
def test_too_short_sounds_are_not_the_same_spot(samples: int) -> None:
    spot = fingerprint_of(melody(1, 15)[:samples], [], "")
    assert not compare(spot, spot).same_spot


def test_words_are_compared_despite_recognition_errors() -> None:
    words = SPEECH.split()
    words[4] = words[11] = "шум"
    wrong, cut = fingerprint_of(None, [], " ".join(words)), fingerprint_of(None, [], SPEECH[:110])
    whole = fingerprint_of(None, [], SPEECH)
    assert 0.6 < (compare(wrong, whole).words or 0) < 1
    assert compare(cut, whole).words is not None
    assert compare(fingerprint_of(None, [], "Звоните сейчас!"), whole).words is None


# Which pairs are the same spot


@needs_chromaprint
def test_quick_comparison_agrees_with_the_complete_one() -> None:
    bed, cut = melody(1, 15), degraded(melody(1, 15), 0.0, 10.0)
    spots = [
        fingerprint_of(bed, scenes(1, 6), SPEECH),
        fingerprint_of(cut, scenes(1, 6)[:2], ""),
        fingerprint_of(cut, scenes(2, 6), SPEECH),
        fingerprint_of(melody(2, 15), scenes(1, 6)[:2], ""),
        fingerprint_of(bed, [], SPEECH),
        fingerprint_of(cut, [], ""),
        fingerprint_of(melody(2, 15), [], ""),
    ]
    pairs = list(combinations(spots, 2))
    whole = [compare(one, other) for one, other in pairs]
    quick = [compare_if_same(one, other) for one, other in pairs]
    assert quick == [likeness if likeness.same_spot else None for likeness in whole]
    assert len([likeness for likeness in quick if likeness]) == 5


@needs_chromaprint
def test_the_same_music_under_other_pictures_and_words_is_not_the_same_spot() -> None:
    bed = melody(1, 15)
    one = fingerprint_of(bed, scenes(1, 6), SPEECH)
    other = fingerprint_of(bed, scenes(2, 6), " ".join(reversed(SPEECH.split())))
    found = compare(one, other)
    assert found.sound.share > 0.95
    assert not found.same_spot


@needs_chromaprint
def test_radio_spots_with_the_same_music_need_the_same_words_or_none() -> None:
    bed, cut = melody(1, 15), degraded(melody(1, 15), 0.0, 10.0)
    other_words = " ".join(reversed(SPEECH.split()))
    assert not compare(
        fingerprint_of(bed, [], SPEECH), fingerprint_of(cut, [], other_words)
    ).same_spot
    assert compare(fingerprint_of(bed, [], SPEECH), fingerprint_of(cut, [], SPEECH)).same_spot
    assert compare(fingerprint_of(bed, [], ""), fingerprint_of(cut, [], "")).same_spot


@needs_chromaprint
def test_revoiced_spot_is_the_same_spot() -> None:
    one = fingerprint_of(melody(1, 15), scenes(1, 6), SPEECH)
    other = fingerprint_of(melody(2, 15), scenes(1, 6)[:4], "")
    assert compare(one, other).same_spot


def test_one_end_card_in_common_is_not_the_same_spot() -> None:
    card = scene(99)
    one, other = print_of_pictures([*scenes(1, 5), card]), print_of_pictures([*scenes(2, 5), card])
    assert compare(one, other).pictures.count == 1
    assert not compare(one, other).same_spot


@needs_chromaprint
def test_without_chromaprint_pictures_still_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sound, "_LIBRARIES", ("libno-such-thing.so.1",))
    sound.library.cache_clear()
    with pytest.raises(SoundUnavailable):
        fingerprint_of(melody(1, 5), [], "")
    assert len(print_of_pictures(scenes(1, 3)).pictures) == 3
    monkeypatch.undo()
    sound.library.cache_clear()
    whole = fingerprint_of(melody(1, 15), scenes(1, 6), "")
    assert compare(print_of_pictures(scenes(1, 6)), whole).same_spot
    assert not compare(replace(print_of_pictures([]), has_pictures=False), whole).same_spot

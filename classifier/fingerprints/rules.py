"""Whether two spots are the same: by pictures, pictures and sound, words and sound, or sound alone.

Sound alone counts only where there are neither pictures nor enough words, and only if it is long
and nearly identical, because advertisers license the same music and brands keep a jingle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from classifier.fingerprints import pictures, sound, words
from classifier.fingerprints.fingerprint import Fingerprint

# Shares, 0 to 1, are those of the pictures or word pairs of the spot that has fewer, and of the
# shorter sound. ``_ERRORS`` is the largest share of different bits in the shared sound; all other
# constants are smallest values.
#
# By pictures alone: number and share of the shared distinct pictures.
_PICTURES, _PICTURES_SHARE = 3, 0.5
# By pictures and sound: number and share of the shared distinct pictures, seconds and share of the
# shared sound.
_SOME_PICTURES, _SOME_SHARE = 2, 0.25
_SOME_SOUND_SECONDS, _SOME_SOUND_SHARE = 3.0, 0.3
# By words and sound: seconds and share of the shared sound, share of the shared word pairs.
_SOUND_SECONDS, _SOUND_SHARE = 3.5, 0.5
_WORDS_SHARE, _WORDS_ERRORS = 0.5, 0.15
# By sound alone: its seconds and share.
_ALONE_SECONDS, _ALONE_SHARE, _ALONE_ERRORS = 6.0, 0.8, 0.1

_PERFECT_SOUND = sound.SharedSound(seconds=math.inf, share=1.0, errors=0.0)


@dataclass(frozen=True, slots=True)
class Likeness:
    """How much two spots share.

    Attributes:
        sound: Shared sound.
        pictures: Shared pictures.
        words: Share of the shared word pairs in the speech that has fewer pairs, 0 to 1; None if a
            speech is too short.
        only_sound: Neither spot has pictures.
    """

    sound: sound.SharedSound
    pictures: pictures.SharedPictures
    words: float | None
    only_sound: bool

    @property
    def same_spot(self) -> bool:
        """Whether one spot is a version of the other: cut, re-encoded, revoiced, with a new end."""
        return (
            self._by_pictures
            or self._by_pictures_and_sound
            or self._by_words_and_sound
            or self._by_sound
        )

    @property
    def strength(self) -> float:
        """Strength of the evidence, 0 to 3, by which pairs are ranked."""
        sound_strength = self.sound.share * (1 - 2 * self.sound.errors)
        return self.pictures.share + sound_strength + (self.words or 0.0)

    @property
    def _by_pictures(self) -> bool:
        return self.pictures.count >= _PICTURES and self.pictures.share >= _PICTURES_SHARE

    @property
    def _by_pictures_and_sound(self) -> bool:
        return (
            self.pictures.count >= _SOME_PICTURES
            and self.pictures.share >= _SOME_SHARE
            and self.sound.seconds >= _SOME_SOUND_SECONDS
            and self.sound.share >= _SOME_SOUND_SHARE
        )

    @property
    def _by_words_and_sound(self) -> bool:
        return (
            self.words is not None
            and self.words >= _WORDS_SHARE
            and self.sound.errors <= _WORDS_ERRORS
            and self.sound.seconds >= _SOUND_SECONDS
            and self.sound.share >= _SOUND_SHARE
        )

    @property
    def _by_sound(self) -> bool:
        return (
            self.only_sound
            and self.words is None
            and self.sound.seconds >= _ALONE_SECONDS
            and self.sound.share >= _ALONE_SHARE
            and self.sound.errors <= _ALONE_ERRORS
        )


def compare(one: Fingerprint, other: Fingerprint) -> Likeness:
    """Measure how much two spots share, sound included, whether they are the same or not.

    If the arguments are swapped, the result may differ: only the sound of ``one`` is tried in all
    phases.
    """
    return replace(_compare_without_sound(one, other), sound=sound.shared(one.sound, other.sound))


def compare_if_same(one: Fingerprint, other: Fingerprint) -> Likeness | None:
    """Return what ``compare`` returns if the spots are the same, else None.

    Comparing sounds takes nearly all of the time of ``compare``. It is skipped where even identical
    sound would not make the spots the same.
    """
    without_sound = _compare_without_sound(one, other)
    if not replace(without_sound, sound=_PERFECT_SOUND).same_spot:
        return None
    like = replace(without_sound, sound=sound.shared(one.sound, other.sound))
    return like if like.same_spot else None


def _compare_without_sound(one: Fingerprint, other: Fingerprint) -> Likeness:
    return Likeness(
        sound=sound.NO_MATCH,
        pictures=pictures.shared(one.pictures, other.pictures),
        words=words.shared(one.words, other.words),
        only_sound=not one.has_pictures and not other.has_pictures,
    )

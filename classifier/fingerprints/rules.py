"""When two spots are one: the same pictures, or the same sound with something to confirm it.

The same sound alone is not the same spot: advertisers buy the same music, brands keep a jingle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from classifier.fingerprints import pictures, sound, words
from classifier.fingerprints.fingerprint import Fingerprint

# By pictures alone: this many different ones, and this share of the spot that has fewer.
_PICTURES, _PICTURES_SHARE = 3, 0.5
# With a sound that is shared in part, fewer.
_SOME_PICTURES, _SOME_SHARE = 2, 0.25
_SOME_SOUND_SECONDS, _SOME_SOUND_SHARE = 3.0, 0.3
# With the same words, or where there are no pictures to look at.
_SOUND_SECONDS, _SOUND_SHARE = 3.5, 0.5
_WORDS_SHARE, _WORDS_ERRORS = 0.5, 0.15
# Sound with nothing that could confirm it: nearly all of it, and nearly bit by bit.
_ALONE_SECONDS, _ALONE_SHARE, _ALONE_ERRORS = 6.0, 0.8, 0.1

_ALL_OF_IT = sound.SharedSound(seconds=math.inf, share=1.0, errors=0.0)


@dataclass(frozen=True, slots=True)
class Likeness:
    """How much two spots share; ``words`` is None where too little is said to compare.

    ``only_sound``: neither of them has pictures.
    """

    sound: sound.SharedSound
    pictures: pictures.SharedPictures
    words: float | None
    only_sound: bool

    @property
    def same_spot(self) -> bool:
        """Whether one is the other, cut, encoded, voiced or ended in another way."""
        return self._seen or self._seen_and_heard or self._said or self._heard

    @property
    def strength(self) -> float:
        """How much speaks for it, 0 to 3: to choose the surest of many."""
        heard = self.sound.share * (1 - 2 * self.sound.errors)
        return self.pictures.share + heard + (self.words or 0.0)

    @property
    def _seen(self) -> bool:
        return self.pictures.count >= _PICTURES and self.pictures.share >= _PICTURES_SHARE

    @property
    def _seen_and_heard(self) -> bool:
        return (
            self.pictures.count >= _SOME_PICTURES
            and self.pictures.share >= _SOME_SHARE
            and self.sound.seconds >= _SOME_SOUND_SECONDS
            and self.sound.share >= _SOME_SOUND_SHARE
        )

    @property
    def _said(self) -> bool:
        return (
            self.words is not None
            and self.words >= _WORDS_SHARE
            and self.sound.errors <= _WORDS_ERRORS
            and self.sound.seconds >= _SOUND_SECONDS
            and self.sound.share >= _SOUND_SHARE
        )

    @property
    def _heard(self) -> bool:
        return (
            self.only_sound
            and self.words is None
            and self.sound.seconds >= _ALONE_SECONDS
            and self.sound.share >= _ALONE_SHARE
            and self.sound.errors <= _ALONE_ERRORS
        )


def compare(one: Fingerprint, other: Fingerprint) -> Likeness:
    """Exact, and symmetric but for rounding."""
    return replace(_unheard(one, other), sound=sound.shared(one.sound, other.sound))


def compare_if_same(one: Fingerprint, other: Fingerprint) -> Likeness | None:
    """What ``compare`` says of one and the same spot, None of two.

    Sounds take nearly all of the time of ``compare``; they are not looked at where the best of
    them could not make the two one.
    """
    unheard = _unheard(one, other)
    if not replace(unheard, sound=_ALL_OF_IT).same_spot:
        return None
    like = replace(unheard, sound=sound.shared(one.sound, other.sound))
    return like if like.same_spot else None


def _unheard(one: Fingerprint, other: Fingerprint) -> Likeness:
    return Likeness(
        sound=sound.NOTHING,
        pictures=pictures.shared(one.pictures, other.pictures),
        words=words.shared(one.words, other.words),
        only_sound=not one.has_pictures and not other.has_pictures,
    )

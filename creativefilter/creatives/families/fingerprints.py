"""Fingerprints in the database: stored with index keys, looked up by these, compared."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Count

from creativefilter.creatives.models import Fingerprint, FingerprintKey, MediaVersion

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from classifier.fingerprints import Fingerprint as Print
    from classifier.fingerprints import Likeness

logger = logging.getLogger(__name__)

SOUND_NOT_COMPARED = "no_chromaprint"
"""Code of the sentence shown when sounds are not compared (``site.codes``)."""

# A key that so many fingerprints share distinguishes nothing: no more entries are added to it.
CROWDED = 500
# Number of fingerprints to compare exactly: those that share most keys of sound, and as many that
# share most keys of pictures.
_COMPARED = 20
_FIRST_PICTURE_KEY = 1 << 33


@dataclass(frozen=True, slots=True)
class NewFingerprint:
    """A fingerprint that is not stored yet; ``sound_compared`` is False without chromaprint."""

    print: Print
    sound_compared: bool


def make(
    audio: NDArray[np.float32], images: Sequence[NDArray[np.uint8]], speech: str
) -> NewFingerprint:
    """Make a fingerprint; without chromaprint only of pictures and words.

    Args:
        audio: 16 kHz mono samples; float32, (samples,).
        images: frames; uint8, (height, width, 3) each.
        speech: the words spoken, cleaned.
    """
    from classifier.fingerprints import SoundUnavailable, fingerprint_of

    try:
        return NewFingerprint(fingerprint_of(audio, images, speech), sound_compared=True)
    except SoundUnavailable as error:
        _warn_once(str(error))
        return NewFingerprint(fingerprint_of(None, images, speech), sound_compared=False)


@functools.cache
def _warn_once(why: str) -> None:
    logger.warning("near duplicates are compared without sound: %s", why)


def can_compare_sounds() -> bool:
    """Whether sounds can be compared in this process."""
    from classifier.fingerprints import SoundUnavailable, sound

    try:
        sound.library()
    except SoundUnavailable:
        return False
    return True


def candidates(one: Print) -> list[int]:
    """Return the row ids of the stored fingerprints that share most index keys with ``one``."""
    from classifier.fingerprints import query_keys

    keys = query_keys(one)
    sounds = _sharing([key for key in keys if key < _FIRST_PICTURE_KEY])
    pictures = _sharing([key for key in keys if key >= _FIRST_PICTURE_KEY])
    return list(dict.fromkeys(sounds + pictures))


def _sharing(keys: list[int]) -> list[int]:
    # All keys as one parameter: Django takes longer for hundreds than the database for the query.
    parameter: str | list[int]
    if connection.vendor == "postgresql":
        among, parameter = "= ANY(%s)", keys
    else:
        among, parameter = "IN (SELECT value FROM json_each(%s))", json.dumps(keys)
    rows = f"SELECT fingerprint_id FROM {FingerprintKey._meta.db_table} WHERE key {among}"  # noqa: S608
    ranked = "GROUP BY fingerprint_id ORDER BY COUNT(*) DESC, fingerprint_id LIMIT %s"
    with connection.cursor() as cursor:
        cursor.execute(f"{rows} {ranked}", [parameter, _COMPARED])
        return [pk for (pk,) in cursor.fetchall()]


def alike(one: Print, sha256: str, *, is_demo: bool) -> list[tuple[Fingerprint, Likeness]]:
    """Return the stored fingerprints of the same spot, each with its exact likeness to ``one``.

    Fingerprints of media with this ``sha256`` always count, even without usable sound, pictures or
    words.
    """
    from classifier.fingerprints import compare, compare_if_same
    from classifier.fingerprints.fingerprint import METHOD

    rows = Fingerprint.objects.filter(method=METHOD, media__creative__is_demo=is_demo)
    same = rows.filter(media__sha256=sha256)[:_COMPARED]
    found = {row.pk: (row, compare(one, print_of(row))) for row in same}
    for row in rows.filter(pk__in=candidates(one)).exclude(pk__in=found):
        if like := compare_if_same(one, print_of(row)):
            found[row.pk] = row, like
    return list(found.values())


def print_of(row: Fingerprint) -> Print:
    """Convert a stored fingerprint to the type that ``classifier.fingerprints`` compares."""
    import numpy as np

    from classifier.fingerprints import Fingerprint as Print
    from classifier.fingerprints.sound import PHASES

    sound = np.frombuffer(row.sound, "<u4").astype(np.uint32)
    return Print(
        sound=sound.reshape(PHASES, -1) if len(sound) else sound.reshape(0, 0),
        pictures=np.frombuffer(row.pictures, "<u8").astype(np.uint64).reshape(-1, 2),
        words=np.frombuffer(row.words, "<u4").astype(np.uint32),
        has_pictures=row.has_pictures,
    )


def unsaved(media: MediaVersion, one: Print, *, sound_compared: bool) -> Fingerprint:
    """Return the unsaved row of a fingerprint."""
    from classifier.fingerprints.fingerprint import METHOD

    return Fingerprint(
        media=media,
        method=METHOD,
        sound=one.sound.astype("<u4").tobytes(),
        pictures=one.pictures.astype("<u8").tobytes(),
        words=one.words.astype("<u4").tobytes(),
        has_pictures=one.has_pictures,
        sound_compared=sound_compared,
    )


def is_same(row: Fingerprint, media: MediaVersion, made: NewFingerprint) -> bool:
    new = unsaved(media, made.print, sound_compared=made.sound_compared)
    fields = ("media_id", "method", "sound", "pictures", "words", "has_pictures", "sound_compared")
    # PostgreSQL gives the bytes as a memoryview, which equals them.
    return all(getattr(row, name) == getattr(new, name) for name in fields)


def write_prints(
    prints: Sequence[tuple[MediaVersion, Print]], *, sound_compared: bool = True
) -> list[Fingerprint]:
    """Store fingerprints and their index entries, without looking for near duplicates."""
    from classifier.fingerprints import index_keys

    rows = Fingerprint.objects.bulk_create(
        unsaved(media, one, sound_compared=sound_compared) for media, one in prints
    )
    keys = [index_keys(one) for _, one in prints]
    crowded = _crowded({key for some in keys for key in some})
    FingerprintKey.objects.bulk_create(
        (
            FingerprintKey(key=key, fingerprint=row)
            for row, some in zip(rows, keys, strict=True)
            for key in some
            if key not in crowded
        ),
        batch_size=20_000,
    )
    return rows


def _crowded(keys: Iterable[int]) -> set[int]:
    rows = FingerprintKey.objects.filter(key__in=keys).values("key").annotate(rows=Count("key"))
    return set(rows.filter(rows__gte=CROWDED).values_list("key", flat=True))

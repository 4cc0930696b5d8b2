"""Families of near duplicates: one spot in several lengths, prices, voices, end cards.

A fingerprint is stored with what its stage saves, looked up in the same moment, and the families
it touches are made anew, for one creative after the other.
"""

from __future__ import annotations

import functools
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import Count, F, Q, QuerySet

from creativefilter.creatives.models import Creative, MediaVersion
from creativefilter.creatives.models_families import (
    Family,
    FamilyLink,
    Fingerprint,
    FingerprintKey,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from classifier.fingerprints import Fingerprint as Print
    from classifier.fingerprints import Likeness

logger = logging.getLogger(__name__)

# A key that so many spots share tells nothing apart: no more are written under it.
CROWDED = 500
# Sounds and pictures that share the most keys are compared exactly.
_COMPARED = 20
_FIRST_PICTURE_KEY = 1 << 33
_LOCK = 6_210_704_331  # any number that no other advisory lock of the project has


@dataclass(frozen=True, slots=True)
class Made:
    """A fingerprint that is not stored yet; ``heard`` is False without the library for sounds."""

    print: Print
    heard: bool


@dataclass(frozen=True, slots=True)
class Relative:
    """Another member of a creative's family, and what links the two directly, if anything."""

    creative: Any
    link: FamilyLink | None


def make(audio: NDArray[np.float32], images: Sequence[NDArray[np.uint8]], speech: str) -> Made:
    """As ``classifier.fingerprints`` takes them; without chromaprint only pictures and words."""
    from classifier.fingerprints import SoundUnavailable, fingerprint_of

    try:
        return Made(fingerprint_of(audio, images, speech), heard=True)
    except SoundUnavailable as error:
        _say_once(str(error))
        return Made(fingerprint_of(None, images, speech), heard=False)


@functools.cache
def _say_once(reason: str) -> None:
    logger.warning("near duplicates are looked for by pictures alone: %s", reason)


def store(media: MediaVersion, made: Made) -> Fingerprint | None:
    """Writes the fingerprint of a creative's current media, finds its like, makes the families.

    It takes the place of the creative's earlier one. None where the media is not current any
    more, or was deleted. All or nothing.
    """
    with transaction.atomic():
        lock()
        creative = Creative.objects.filter(current_media=media.pk).first()
        if creative is None:
            return None
        _forget(Fingerprint.objects.filter(media__creative=creative))
        [row] = write_prints([(media, made.print)], heard=made.heard)
        found = alike(made.print, media.sha256, is_demo=creative.is_demo)
        links = [_link(row, other, like) for other, like in found if other.pk != row.pk]
        FamilyLink.objects.bulk_create(links)
        if links:
            regroup([row.pk])
            row.refresh_from_db(fields=["family"])
    return row


def lock() -> None:
    """Lets families be made one after the other until the transaction ends.

    Two near duplicates that are stored at once would not see each other. SQLite's transactions
    come one after the other anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def candidates(one: Print) -> list[int]:
    """Numbers of the stored fingerprints that share the most keys with this one."""
    from classifier.fingerprints import query_keys

    keys = query_keys(one)
    found: list[int] = []
    for some in (
        [key for key in keys if key < _FIRST_PICTURE_KEY],
        [key for key in keys if key >= _FIRST_PICTURE_KEY],
    ):
        rows = FingerprintKey.objects.filter(key__in=some).values_list("fingerprint")
        ranked = rows.annotate(shared=Count("fingerprint")).order_by("-shared", "fingerprint")
        found += [pk for pk, _shared in ranked[:_COMPARED]]
    return list(dict.fromkeys(found))


def alike(one: Print, sha256: str, *, is_demo: bool) -> list[tuple[Fingerprint, Likeness]]:
    """The stored fingerprints that are the same spot, exactly compared.

    Those of the very same bytes belong to them, whatever can be seen and heard in these.
    """
    from classifier.fingerprints import compare
    from classifier.fingerprints.prints import METHOD

    rows = Fingerprint.objects.filter(method=METHOD, media__creative__is_demo=is_demo)
    near = rows.filter(Q(pk__in=candidates(one))).select_related("media")
    same = rows.filter(media__sha256=sha256).select_related("media")[:_COMPARED]
    compared = {row.pk: (row, compare(one, print_of(row))) for row in (*near, *same)}
    return [
        (row, like)
        for row, like in compared.values()
        if like.same_spot or row.media.sha256 == sha256
    ]


def write_prints(
    prints: Sequence[tuple[MediaVersion, Print]], *, heard: bool = True
) -> list[Fingerprint]:
    """Rows and index entries of fingerprints, without looking for their like."""
    from classifier.fingerprints import index_keys
    from classifier.fingerprints.prints import METHOD

    rows = Fingerprint.objects.bulk_create(
        Fingerprint(
            media=media,
            method=METHOD,
            sound=one.sound.astype("<u4").tobytes(),
            pictures=one.pictures.astype("<u8").tobytes(),
            words=one.words.astype("<u4").tobytes(),
            has_pictures=one.has_pictures,
            heard=heard,
        )
        for media, one in prints
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


def print_of(row: Fingerprint) -> Print:
    """A stored fingerprint as ``classifier.fingerprints`` compares it."""
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


def _crowded(keys: Iterable[int]) -> set[int]:
    rows = FingerprintKey.objects.filter(key__in=keys).values("key").annotate(rows=Count("key"))
    return set(rows.filter(rows__gte=CROWDED).values_list("key", flat=True))


def _link(one: Fingerprint, other: Fingerprint, like: Likeness) -> FamilyLink:
    first, second = sorted((one, other), key=lambda row: row.pk)
    return FamilyLink(
        first=first,
        second=second,
        strength=like.strength,
        sound=like.sound.share,
        pictures=like.pictures.share,
        words=like.words,
    )


def _forget(rows: QuerySet[Fingerprint]) -> None:
    # One by one: what hangs on a deletion (``signals``) makes the families right.
    for row in rows:
        row.delete()


def regroup(fingerprints: Iterable[int]) -> None:
    """Makes the families anew of all that links, or a family, tie to these fingerprints.

    A family keeps its number while most of it stays together. Call it under ``lock``.
    """
    from classifier.fingerprints import grouped

    tied, pairs = _component(set(fingerprints))
    rows = {row.pk: row for row in Fingerprint.objects.filter(pk__in=tied).only("pk", "family")}
    before = {row.family_id for row in rows.values() if row.family_id}
    wanted: dict[int, int] = {}
    taken: set[int] = set()
    for group in sorted(grouped(pairs), key=lambda group: (-len(group), min(group))):
        family = _number(group, rows, taken)
        taken.add(family)
        wanted.update(dict.fromkeys(group, family))
    moved = [row for pk, row in rows.items() if row.family_id != wanted.get(pk)]
    for row in moved:
        row.family_id = wanted.get(row.pk)
    Fingerprint.objects.bulk_update(moved, ["family"], batch_size=500)
    Family.objects.filter(pk__in=before - taken, fingerprints__isnull=True).delete()


def _number(group: set[int], rows: dict[int, Fingerprint], taken: set[int]) -> int:
    known = Counter(rows[pk].family_id for pk in sorted(group))
    for family, _members in known.most_common():
        if family and family not in taken:
            return family
    return Family.objects.create().pk


def _component(start: set[int]) -> tuple[set[int], list[tuple[int, int, float]]]:
    """The fingerprints that are tied to some of these, and the links between them."""
    tied, fresh = set(start), set(start)
    while fresh:
        families = Fingerprint.objects.filter(pk__in=fresh, family__isnull=False).values("family")
        members = Fingerprint.objects.filter(family__in=families).values_list("pk", flat=True)
        links = FamilyLink.objects.filter(Q(first__in=fresh) | Q(second__in=fresh))
        reached = {pk for pair in links.values_list("first", "second") for pk in pair}
        fresh = (reached | set(members)) - tied
        tied |= fresh
    pairs = FamilyLink.objects.filter(first__in=tied).values_list("first", "second", "strength")
    return tied, list(pairs)


def members(creative: Creative) -> QuerySet[Any]:
    """The creatives of its family, itself among them, with their effective segments; or none."""
    rows: QuerySet[Any] = Creative.objects.with_effective_segment()
    family = family_of(creative)
    if family is None:
        return rows.none()
    # Any older media has no fingerprint.
    return rows.filter(media__fingerprint__family=family).order_by("current_media__seconds", "pk")


def family_of(creative: Creative) -> int | None:
    """The number of the family that a creative belongs to."""
    rows = Fingerprint.objects.filter(media=creative.current_media_id, family__isnull=False)
    return rows.values_list("family", flat=True).first()


def relatives(creative: Creative) -> list[Relative]:
    """The other members of its family, shortest first."""
    media = creative.current_media_id
    links = FamilyLink.objects.filter(Q(first__media=media) | Q(second__media=media))
    by_media = {}
    for link in links.select_related("first", "second"):
        other = link.second if link.first.media_id == media else link.first
        by_media[other.media_id] = link
    others = members(creative).exclude(pk=creative.pk).select_related("current_media")
    return [Relative(other, by_media.get(other.current_media_id)) for other in others]


def numbers_of(creatives: Iterable[Creative]) -> list[int | None]:
    """For each creative the number of its family, None for one without."""
    rows = Fingerprint.objects.filter(
        family__isnull=False, media__creative__current_media=F("media")
    )
    known = dict(rows.values_list("media__creative", "family"))
    return [known.get(creative.pk) for creative in creatives]

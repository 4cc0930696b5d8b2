"""Families of near duplicates: one spot in several lengths, prices, voices, end cards.

A fingerprint is stored with what its stage saves, looked up in the same moment, and the families
it touches are made anew, for one creative after the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from creativefilter.creatives.analysis import working_copies
from creativefilter.creatives.families.fingerprints import (
    NewFingerprint,
    alike,
    is_same,
    make,
    write_prints,
)
from creativefilter.creatives.models import Creative, Family, FamilyLink, Fingerprint, MediaVersion

if TYPE_CHECKING:
    from classifier.fingerprints import Likeness
    from classifier.media import Frame

_LOCK = 6_210_704_331  # any number that no other advisory lock of the project has


@dataclass(frozen=True, slots=True)
class Relative:
    """Another member of a creative's family, and what links the two directly, if anything."""

    creative: Any
    link: FamilyLink | None


def made_of(media: MediaVersion, frames: Iterable[Frame]) -> NewFingerprint:
    """The fingerprint of a decoded media version, by its stored sound and what was heard.

    Raises ``OSError`` if the sound is gone.
    """
    transcript = media.transcripts.first()
    said = transcript.speech if transcript and transcript.spoken else ""
    return make(working_copies.audio(media.pk), [frame.image for frame in frames], said)


def store(media: MediaVersion, made: NewFingerprint) -> Fingerprint | None:
    """Writes the fingerprint of a creative's current media, finds its like, makes the families.

    It takes the place of the creative's earlier one. None where the media is not current any
    more, or was deleted. All or nothing.
    """
    with transaction.atomic():
        lock()
        creative = Creative.objects.filter(current_media=media.pk).first()
        if creative is None:
            return None
        earlier = list(Fingerprint.objects.filter(media__creative=creative))
        if any(is_same(row, media, made) for row in earlier):
            return earlier[0]
        # One by one: what hangs on a deletion (``deletion``) makes their families right.
        for row in earlier:
            row.delete()
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


def regroup(fingerprints: Iterable[int]) -> None:
    """Makes the families anew of all that links, or a family, tie to these.

    A family keeps its number while most of it stays together. Call it under ``lock``.
    """
    tied, pairs = _component(set(fingerprints))
    left = _group(Fingerprint.objects.filter(pk__in=tied), pairs)
    Family.objects.filter(pk__in=left, fingerprints__isnull=True).delete()


def _group(
    fingerprints: QuerySet[Fingerprint], pairs: Iterable[tuple[int, int, float]]
) -> set[int]:
    """Gives each its family; returns the numbers that no family has any more."""
    from classifier.fingerprints import grouped

    rows = {row.pk: row for row in fingerprints.only("pk", "family")}
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
    return before - taken


def without(family: int) -> None:
    """Makes a family anew that has lost a member. Call it under ``lock``."""
    left = Fingerprint.objects.filter(family=family).values_list("pk", flat=True)
    regroup(left)
    Family.objects.filter(pk=family, fingerprints__isnull=True).delete()


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
        rows = Fingerprint.objects.filter(pk__in=fresh, family__isnull=False)
        # Two queries: SQLite would rather read all fingerprints than look for a few families.
        families = set(rows.values_list("family", flat=True))
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


def numbers() -> dict[int, int]:
    """The number of its family for each creative that has one."""
    rows = Fingerprint.objects.filter(family__isnull=False)
    return dict(rows.values_list("media__creative", "family"))


@dataclass(frozen=True, slots=True)
class Counted:
    """How many families there are, and how many creatives they have together."""

    families: int
    creatives: int


def unprinted(*, everything: bool) -> list[int]:
    """Current media with a file that have no fingerprint, or one of another method or without
    the sound that can be heard by now; or all of them."""
    from classifier.fingerprints.fingerprint import METHOD
    from creativefilter.creatives.families.fingerprints import hears

    rows = MediaVersion.objects.filter(creative__current_media=F("pk")).exclude(file="")
    if not everything:
        good = Q(fingerprint__method=METHOD)
        rows = rows.exclude(good & Q(fingerprint__heard=True) if hears() else good)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def print_again(media_id: int) -> bool:
    """Makes and stores a fingerprint from what was decoded; False if there is nothing of that."""
    media = MediaVersion.objects.filter(pk=media_id).first()
    if media is None:
        return False
    try:
        made = made_of(media, working_copies.frames(media.pk, media.probe))
    except (OSError, ValueError):
        return False
    return store(media, made) is not None


def regroup_all() -> Counted:
    """Makes all families anew of the links that are stored."""
    in_families = Fingerprint.objects.filter(family__isnull=False)
    with transaction.atomic():
        lock()
        links = FamilyLink.objects.all()
        linked = Q(pk__in=links.values("first")) | Q(pk__in=links.values("second"))
        rows = Fingerprint.objects.filter(linked | Q(family__isnull=False))
        _group(rows, links.values_list("first", "second", "strength").iterator())
        Family.objects.filter(fingerprints__isnull=True).delete()
        return Counted(Family.objects.count(), in_families.count())

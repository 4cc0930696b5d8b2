"""Families of near duplicates: one spot in several lengths, prices, voices, end cards.

A stage that makes a fingerprint stores it when it saves its results. In the same transaction the
fingerprint is compared with the others, and the families that it touches are regrouped. A lock
ensures that this is done for one creative at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F, Q, QuerySet

from creativefilter.creatives.analysis import working_copies
from creativefilter.creatives.families import exam_set
from creativefilter.creatives.families.fingerprints import (
    NewFingerprint,
    alike,
    is_same,
    make,
    write_prints,
)
from creativefilter.creatives.families.lock import lock
from creativefilter.creatives.models import Creative, Family, FamilyLink, Fingerprint, MediaVersion

if TYPE_CHECKING:
    from classifier.fingerprints import Likeness
    from classifier.media import Frame


@dataclass(frozen=True, slots=True)
class Relative:
    """Another member of a creative's family, and what links the two directly, if anything."""

    creative: Any
    link: FamilyLink | None


def new_fingerprint(media: MediaVersion, frames: Iterable[Frame]) -> NewFingerprint:
    """Make the fingerprint of a decoded media version from sound, frames and transcript.

    Raises:
        OSError: the decoded sound is gone.
        ValueError: the decoded sound is damaged.
    """
    transcript = media.transcripts.first()
    speech = transcript.speech if transcript and transcript.spoken else ""
    return make(working_copies.audio(media.pk), [frame.image for frame in frames], speech)


def store(media: MediaVersion, made: NewFingerprint) -> Fingerprint | None:
    """Store the fingerprint of a creative's current media, link near duplicates, regroup families.

    All of this is one transaction. The creative's earlier fingerprint is replaced. If that is an
    equal one of the same media, it is kept. The creative is assigned to the exam set or to what is
    taught.

    Returns:
        The stored row; None if the media is not current any more, or was deleted.
    """
    with transaction.atomic():
        lock()
        creative = Creative.objects.filter(current_media=media.pk).first()
        if creative is None:
            return None
        earlier = list(Fingerprint.objects.filter(media__creative=creative))
        if same := [row for row in earlier if is_same(row, media, made)]:
            exam_set.assign([creative.pk])
            return same[0]
        # The signal receivers in ``deletion`` regroup the families of the deleted rows.
        for row in earlier:
            row.delete()
        [row] = write_prints([(media, made.print)], sound_compared=made.sound_compared)
        found = alike(made.print, media.sha256, is_demo=creative.is_demo)
        links = [_link(row, other, like) for other, like in found if other.pk != row.pk]
        FamilyLink.objects.bulk_create(links)
        if links:
            regroup([row.pk])
            row.refresh_from_db(fields=["family"])
        else:
            exam_set.assign([creative.pk])
    return row


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
    """Regroup these fingerprints and all others connected to them by a link or a common family.

    If a family is divided, its largest group keeps its key. Call it under ``lock``.
    """
    tied, pairs = _component(set(fingerprints))
    left = _group(Fingerprint.objects.filter(pk__in=tied), pairs)
    Family.objects.filter(pk__in=left, fingerprints__isnull=True).delete()


def _group(
    fingerprints: QuerySet[Fingerprint], pairs: Iterable[tuple[int, int, float]]
) -> set[int]:
    """Set the family of each fingerprint; return the keys of families that lost all members.

    The exam set gets all members of the new families, if it has one of them.
    """
    from classifier.fingerprints import grouped

    read = fingerprints.select_related("media").only("family", "media__creative")
    rows = {row.pk: row for row in read}
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
    exam_set.assign(row.media.creative_id for row in moved)
    return before - taken


def regroup_after_deletion(family: int) -> None:
    """Regroup a family that has lost a member. Call it under ``lock``."""
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
    """Return the connected component of these fingerprints, and the links within it."""
    tied, fresh = set(start), set(start)
    while fresh:
        rows = Fingerprint.objects.filter(pk__in=fresh, family__isnull=False)
        # Two queries: with a subquery SQLite scans all fingerprints.
        families = set(rows.values_list("family", flat=True))
        members = Fingerprint.objects.filter(family__in=families).values_list("pk", flat=True)
        links = FamilyLink.objects.filter(Q(first__in=fresh) | Q(second__in=fresh))
        reached = {pk for pair in links.values_list("first", "second") for pk in pair}
        fresh = (reached | set(members)) - tied
        tied |= fresh
    pairs = FamilyLink.objects.filter(first__in=tied).values_list("first", "second", "strength")
    return tied, list(pairs)


def members(creative: Creative) -> QuerySet[Any]:
    """Return the creatives of a creative's family, itself included, shortest first.

    They have their effective segments. A creative without a family gets no rows.
    """
    rows: QuerySet[Any] = Creative.objects.with_effective_segment()
    family = family_of(creative)
    if family is None:
        return rows.none()
    # A creative has at most one fingerprint, so none comes twice.
    return rows.filter(media__fingerprint__family=family).order_by("current_media__seconds", "pk")


def family_of(creative: Creative) -> int | None:
    """Return the key of the family that a creative belongs to, if any."""
    rows = Fingerprint.objects.filter(media=creative.current_media_id, family__isnull=False)
    return rows.values_list("family", flat=True).first()


def relatives(creative: Creative) -> list[Relative]:
    """Return the other members of a creative's family, shortest first."""
    media = creative.current_media_id
    links = FamilyLink.objects.filter(Q(first__media=media) | Q(second__media=media))
    by_media = {}
    for link in links.select_related("first", "second"):
        other = link.second if link.first.media_id == media else link.first
        by_media[other.media_id] = link
    others = members(creative).exclude(pk=creative.pk).select_related("current_media")
    return [Relative(other, by_media.get(other.current_media_id)) for other in others]


def families_by_creative() -> dict[int, int]:
    """Return family keys by creative key, for creatives that have a family."""
    rows = Fingerprint.objects.filter(family__isnull=False)
    return dict(rows.values_list("media__creative", "family"))


@dataclass(frozen=True, slots=True)
class Counted:
    """Number of families, and of the creatives in them."""

    families: int
    creatives: int


def media_to_fingerprint(*, everything: bool) -> list[int]:
    """Return the keys of current media whose fingerprint has to be made.

    These have no fingerprint, one of another method, or one that was made without chromaprint
    although it is installed now. If ``everything`` is true, return all current media. Media
    without a file are always left out.
    """
    from classifier.fingerprints.fingerprint import METHOD
    from creativefilter.creatives.families.fingerprints import can_compare_sounds

    rows = MediaVersion.objects.filter(creative__current_media=F("pk")).exclude(file="")
    if not everything:
        good = Q(fingerprint__method=METHOD)
        if can_compare_sounds():
            good &= Q(fingerprint__sound_compared=True)
        rows = rows.exclude(good)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def remake_fingerprint(media_id: int) -> bool:
    """Make and store a fingerprint from the working copies.

    Returns:
        Whether it is stored; False if a working copy is missing or unusable, or the media is not
        current any more or was deleted.
    """
    media = MediaVersion.objects.filter(pk=media_id).first()
    if media is None:
        return False
    try:
        made = new_fingerprint(media, working_copies.frames(media.pk, media.probe))
    except (OSError, ValueError):
        return False
    return store(media, made) is not None


def regroup_all() -> Counted:
    """Recompute all families from the stored links; count them and their members."""
    in_families = Fingerprint.objects.filter(family__isnull=False)
    with transaction.atomic():
        lock()
        links = FamilyLink.objects.all()
        linked = Q(pk__in=links.values("first")) | Q(pk__in=links.values("second"))
        rows = Fingerprint.objects.filter(linked | Q(family__isnull=False))
        _group(rows, links.values_list("first", "second", "strength").iterator())
        Family.objects.filter(fingerprints__isnull=True).delete()
        return Counted(Family.objects.count(), in_families.count())

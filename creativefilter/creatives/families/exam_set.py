"""The exam set: creatives that no model version learns, so that any can be judged on them.

It takes whole exam units. A unit is a creative with all that are, or ever were, in one family with
it; units are merged and never divided. So creatives of one family always agree, a mark is never
removed, and a family that has split or lost members is still known to belong together.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import Q

from creativefilter.creatives import ids
from creativefilter.creatives.families.lock import lock
from creativefilter.creatives.models import Creative, Fingerprint, UnitMember

EXAM_SHARE = 0.15
"""Share of the units that are in the exam set.

About 700 labels then give the 100 that a comparison needs, and training loses one label in seven.
"""
# Creatives that one transaction assigns: other workers wait for it for a fraction of a second.
_BATCH = 500


def is_drawn(text: str) -> bool:
    """Whether a creative without relatives is in the exam set; always the same for one text.

    Args:
        text: Its normalised Advertisement ID, or the SHA-256 of its media if it has none.
    """
    digest = hashlib.sha256(text.encode()).digest()[:8]
    return int.from_bytes(digest, "big") < EXAM_SHARE * 2**64


def assign(creatives: Iterable[int]) -> None:
    """Assign creatives, with their families, to the exam set or to what is taught.

    A unit with a member in the exam set is in it as a whole. Otherwise the others of a unit decide
    about new members, and if there are none, the oldest creative does by ``is_drawn``.
    Demonstration creatives are left out. Call it under ``lock``.

    Args:
        creatives: Keys of creatives.
    """
    keys = list(creatives)
    for start in range(0, len(keys), _BATCH):
        _mark(_united(_families(keys[start : start + _BATCH])))


def assign_unassigned() -> None:
    """Assign every analysed creative that is not assigned yet.

    These are creatives of an earlier release, and those whose analysis failed before they had a
    fingerprint. Each batch is a transaction, so it can be interrupted and repeated.
    """
    waiting = Creative.objects.real().analysed().filter(is_exam=None).order_by("pk")
    last = 0
    while keys := list(waiting.filter(pk__gt=last).values_list("pk", flat=True)[:_BATCH]):
        with transaction.atomic():
            lock()
            assign(keys)
        last = keys[-1]


def _families(keys: Sequence[int]) -> list[list[int]]:
    """Return the real creatives of each family that these belong to; single ones are families."""
    mine = Fingerprint.objects.filter(media__creative__in=keys, family__isnull=False)
    # Two queries: with a subquery SQLite scans all fingerprints.
    families = set(mine.values_list("family", flat=True))
    rows = Fingerprint.objects.filter(family__in=families, media__creative__is_demo=False)
    members = defaultdict(list)
    for family, creative in rows.values_list("family", "media__creative"):
        members[family].append(creative)
    related = {creative for family in members.values() for creative in family}
    alone = Creative.objects.real().filter(pk__in=set(keys) - related)
    return [*members.values(), *([pk] for pk in alone.values_list("pk", flat=True))]


def _united(families: Iterable[Sequence[int]]) -> set[int]:
    """Make each family part of one unit, and store it; return the units.

    A unit has the number of one of its creatives, which no later unit can have.
    """
    families = list(families)
    keys = {key for family in families for key in family}
    known = dict(UnitMember.objects.filter(pk__in=keys).values_list("pk", "unit"))
    unit_of, part_of = dict(known), dict[int, int]()

    def whole(unit: int) -> int:
        while unit in part_of:
            unit = part_of[unit]
        return unit

    for family in families:
        units = {whole(unit_of[key]) for key in family if key in unit_of}
        unit = min(units, default=min(family))
        part_of.update((other, unit) for other in units if other != unit)
        unit_of.update((key, unit) for key in family if key not in unit_of)
    UnitMember.objects.bulk_create(
        UnitMember(creative_key=key, unit=whole(unit_of[key])) for key in sorted(keys - set(known))
    )
    for merged in part_of:
        UnitMember.objects.filter(unit=merged).update(unit=whole(merged))
    return {whole(unit_of[key]) for key in keys}


def _mark(units: set[int]) -> None:
    """Store the mark of each member of these units; no mark is removed."""
    unit_of = dict(UnitMember.objects.filter(unit__in=units).values_list("pk", "unit"))
    # Locked in the order of their keys before any is changed, as other writers of several creatives
    # do.
    locked = Creative.objects.filter(pk__in=unit_of).select_for_update(no_key=True)
    list(locked.order_by("pk").values_list("pk"))
    members = defaultdict(list)
    for creative in (
        Creative.objects.filter(pk__in=unit_of)
        .select_related("current_media")
        .only("is_exam", "advertisement_id", "current_media__sha256")
        .order_by("pk")
    ):
        members[unit_of[creative.pk]].append(creative)
    added: dict[bool, list[int]] = {True: [], False: []}
    for unit in members.values():
        marks = {creative.is_exam for creative in unit}
        is_exam = True in marks or (False not in marks and is_drawn(_name(unit[0])))
        added[is_exam] += [creative.pk for creative in unit]
    _store(added[True], Q(is_exam=None) | Q(is_exam=False), True)
    _store(added[False], Q(is_exam=None), False)


def _name(creative: Creative) -> str:
    if creative.advertisement_id:
        return ids.normal_or_given(creative.advertisement_id)
    return creative.current_media.sha256 if creative.current_media else ""


def _store(creatives: Sequence[int], now: Q, is_exam: bool) -> None:
    Creative.objects.filter(now, pk__in=creatives).update(is_exam=is_exam)

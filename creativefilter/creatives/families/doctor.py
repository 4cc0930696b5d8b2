"""System check: do the members of each family agree about the exam set?"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy, gettext_noop

from creativefilter.creatives.families import exam_set
from creativefilter.creatives.families.lock import lock
from creativefilter.creatives.models import Creative, Fingerprint
from creativefilter.site import doctor
from creativefilter.site.doctor import Check, Finding, Problem

DISAGREE = Problem(
    "families_partly_exam",
    gettext_lazy(
        "Creatives outside the exam set although their family of near duplicates has a member in "
        "it: %(count)d."
    ),
    gettext_lazy(
        "Versions that learn them would be judged on near duplicates. manage.py doctor --fix puts "
        "the whole families into the exam set."
    ),
    repairable=True,
)


def disagreeing() -> QuerySet[Creative]:
    """Return the creatives outside the exam set that have a relative in it."""
    relatives = Fingerprint.objects.filter(family=OuterRef("family"), media__creative__is_exam=True)
    mine = Fingerprint.objects.filter(
        Exists(relatives), family__isnull=False, media__creative=OuterRef("pk")
    )
    outside = Q(is_exam=False) | Q(is_exam=None)
    return Creative.objects.real().filter(outside, Exists(mine)).order_by("pk")


def look() -> Iterator[Finding]:
    """Find creatives outside the exam set that have a relative in it."""
    rows = disagreeing()
    if count := rows.count():
        yield DISAGREE.found(rows[: doctor.SHOWN], count=count)


def repair() -> None:
    """Put whole families into the exam set if a member is in it."""
    with transaction.atomic():
        lock()
        exam_set.assign(list(disagreeing().values_list("pk", flat=True)))


doctor.register(Check(gettext_noop("families and the exam set"), (DISAGREE,), look, repair))

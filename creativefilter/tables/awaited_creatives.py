"""Creatives of a table that have no segment yet, and the jobs that classify them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, Subquery

from creativefilter.creatives.analysis.jobs import analyse_missing
from creativefilter.creatives.models import Creative, Label, Prediction
from creativefilter.jobs.models import Job
from creativefilter.tables.answers import BATCH
from creativefilter.tables.models import Table

_OPEN = Q(job__state__in=(Job.State.QUEUED, Job.State.RUNNING))


def unclassified(names: Iterable[str]) -> set[int]:
    """Return the keys of the creatives that have no segment and can still get one.

    Left out are creatives with a label, with a prediction of any model version, or without media,
    and failed creatives that no open job is analysing.

    Args:
        names: Advertisement IDs.
    """
    classified = Prediction.objects.filter(creative=OuterRef("pk"), media=OuterRef("current_media"))
    newest = Label.objects.filter(creative=OuterRef("pk")).order_by("-pk")
    # A failed creative whose job a person has retried is being analysed again.
    can_be_analysed = _OPEN | ~Q(state=Creative.State.FAILED)
    names = sorted(set(names))
    found: set[int] = set()
    for start in range(0, len(names), BATCH):
        rows = Creative.objects.annotate(label=Subquery(newest.values("segment")[:1])).filter(
            ~Exists(classified),
            can_be_analysed,
            label=None,
            advertisement_id__in=names[start : start + BATCH],
            current_media__isnull=False,
        )
        found.update(rows.order_by().values_list("pk", flat=True))
    return found


def start_analysis(table: Table, creatives: Sequence[int], owner: User | None) -> None:
    """Create jobs for creatives without an open job, and store which creatives the table awaits.

    Args:
        table: the table.
        creatives: keys of the creatives.
        owner: owner of the new jobs.
    """
    link = Table.awaited.through
    link.objects.filter(table_id=table.pk).delete()
    for start in range(0, len(creatives), BATCH):
        batch = creatives[start : start + BATCH]
        analyse_missing(batch, owner)
        existing = Creative.objects.filter(pk__in=batch).values_list("pk", flat=True)
        link.objects.bulk_create([link(table_id=table.pk, creative_id=pk) for pk in existing])


def count_unfinished(table: Table) -> int:
    """Return how many creatives that the table awaits have an open job."""
    return table.awaited.filter(_OPEN).count()

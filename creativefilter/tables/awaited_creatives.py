"""The creatives of a table that are stored and that the active model has not judged yet."""

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


def missing(names: Iterable[str]) -> set[int]:
    """The creatives with these Advertisement IDs that have no segment and can still be judged.

    What has failed cannot; what a person has labelled need not.
    """
    judged = Prediction.objects.filter(
        creative=OuterRef("pk"), media=OuterRef("current_media"), model_version__is_active=True
    )
    newest = Label.objects.filter(creative=OuterRef("pk")).order_by("-pk")
    # Given back by a person, a creative that has failed is on its way again.
    hopeful = _OPEN | ~Q(state=Creative.State.FAILED)
    names = sorted(set(names))
    found: set[int] = set()
    for start in range(0, len(names), BATCH):
        rows = Creative.objects.annotate(label=Subquery(newest.values("segment")[:1])).filter(
            ~Exists(judged),
            hopeful,
            label=None,
            advertisement_id__in=names[start : start + BATCH],
            current_media__isnull=False,
        )
        found.update(rows.order_by().values_list("pk", flat=True))
    return found


def begin(table: Table, creatives: Sequence[int], owner: User | None) -> None:
    """Makes jobs where there are none, and notes for whom the table waits."""
    link = Table.awaited.through
    link.objects.filter(table_id=table.pk).delete()
    for start in range(0, len(creatives), BATCH):
        some = creatives[start : start + BATCH]
        analyse_missing(some, owner)
        there = Creative.objects.filter(pk__in=some).values_list("pk", flat=True)
        link.objects.bulk_create([link(table_id=table.pk, creative_id=pk) for pk in there])


def at_work(table: Table) -> int:
    """How many of the creatives that a table waits for have not come to their end."""
    return table.awaited.filter(_OPEN).count()

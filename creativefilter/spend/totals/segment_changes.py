"""Move spend between the totals when creatives get another effective segment.

``Creative.objects.with_effective_segment`` alone defines the effective segment; this module stores
under which segment each advertisement is counted. An advertisement without a creative counts under
the segment of its waiting label, if there is one. Labels and predictions are written in many
places, also in bulk, without signals. So ``catch_up`` looks for rows that were added since the
watermark, which is cheap if there are none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, Max, Model, OuterRef, Q
from django.db.models.expressions import RawSQL
from django.utils import timezone

from creativefilter.creatives.models import (
    Creative,
    CreativeQuerySet,
    DecisionChange,
    Label,
    ModelVersion,
    Prediction,
)
from creativefilter.spend.models import Advertisement, Watermark
from creativefilter.spend.totals import creative_links, spend_totals

# A row may become visible after rows with higher keys, as late as its transaction commits. No
# transaction lasts longer than the hard limit of a stage, plus a margin.
OVERLAP = timedelta(seconds=settings.STAGE_HARD_SECONDS + 60)

# Creatives that are recounted in one transaction.
PART = 10_000

# Advertisements counted under another segment than they should be: first those of the creatives
# that the query {effective} selects, then those without a creative for which {orphans} is true.
MOVED = """
    SELECT a.id, a.segment AS old_segment, a.reviewed AS old_reviewed,
        COALESCE(e.effective_segment, -1) AS segment, e.label_segment IS NOT NULL AS reviewed
    FROM spend_advertisement a JOIN ({effective}) e ON e.id = a.creative_id
    WHERE a.segment <> COALESCE(e.effective_segment, -1)
        OR a.reviewed <> (e.label_segment IS NOT NULL)
    UNION ALL
    SELECT a.id, a.segment, a.reviewed, COALESCE(s.merged_into_id, w.segment_id, -1),
        w.segment_id IS NOT NULL
    FROM spend_advertisement a
    LEFT JOIN creatives_waitinglabel w ON w.advertisement_id = a.advertisement_id
    LEFT JOIN creatives_segment s ON s.number = w.segment_id
    WHERE a.creative_id IS NULL AND {orphans}
        AND (a.segment <> COALESCE(s.merged_into_id, w.segment_id, -1)
            OR a.reviewed <> (w.segment_id IS NOT NULL))
"""
ALL_ORPHANS = "TRUE"
CHANGED_ORPHANS = """(a.stale OR a.advertisement_id IN (
    SELECT advertisement_id FROM creatives_waitinglabel WHERE created_at > %s))"""
MOVES = """
    SELECT m.month, m.line_id, v.segment, v.reviewed, m.amount, m.placements
    FROM spend_moved v JOIN spend_monthlyspend m ON m.advertisement_id = v.id
    UNION ALL
    SELECT m.month, m.line_id, v.old_segment, v.old_reviewed, -m.amount, -m.placements
    FROM spend_moved v JOIN spend_monthlyspend m ON m.advertisement_id = v.id
"""
COUNTED = """
    UPDATE spend_advertisement SET segment = v.segment, reviewed = v.reviewed
    FROM spend_moved v WHERE v.id = spend_advertisement.id
"""
EMPTY = "DELETE FROM spend_spendtotal WHERE placements = 0"


@dataclass(frozen=True, slots=True)
class PendingChanges:
    """Changes since the watermark that the totals do not count yet.

    Attributes:
        changed: Creatives whose effective segment may have changed.
        arrived: New creatives.
        waiting_since: Waiting labels created later than this may not be counted yet.
        next_watermark: The watermark to save once the changes are counted.
        size: Upper bound of the number of advertisements to recount.
        overdue: Whether the watermark is older than ``OVERLAP``, or lies in the future, and has to
            be moved even if nothing changed, so that the next calls need not look at ever more
            rows.
    """

    changed: CreativeQuerySet
    arrived: CreativeQuerySet
    waiting_since: datetime
    next_watermark: Watermark
    size: int
    overdue: bool


def pending_changes() -> PendingChanges:
    """Return the changes that ``catch_up`` would count. Writes nothing."""
    mark = Watermark.objects.first() or Watermark(looked_at=datetime.min.replace(tzinfo=UTC))
    now = timezone.now()
    next_watermark = _next_watermark(mark, now)
    changed = _changed(mark, next_watermark)
    arrived = Creative.objects.filter(pk__gt=mark.creative)
    # After the clock was set back, labels have times that the watermark already covers.
    set_back = mark.looked_at > now
    since = mark.waiting if mark.waiting and not set_back else datetime.min.replace(tzinfo=UTC)
    stale = Advertisement.objects.filter(stale=True).count()
    if mark.model_version != next_watermark.model_version:
        size = Advertisement.objects.filter(creative__isnull=False).count()
        size += misplaced(Creative.objects.filter(pk=0), since)
    else:
        # Advertisements that are both stale and misplaced are counted twice here.
        size = misplaced(changed, since) + stale
    size += creative_links.unlinked(arrived).count()
    return PendingChanges(
        changed,
        arrived,
        since,
        next_watermark,
        size,
        overdue=set_back or now - mark.looked_at > OVERLAP,
    )


def catch_up(pending: PendingChanges | None = None) -> int:
    """Bring the totals up to date with labels, predictions, creatives and the active model.

    Takes about a second for 10,000 advertisements: call ``recount_jobs.keep_up`` instead before
    showing figures. Writes nothing if nothing changed and the watermark is recent.

    Args:
        pending: The changes to count; determined here if None.

    Returns:
        How many advertisements got another segment.
    """
    pending = pending or pending_changes()
    if not (pending.size or pending.overdue):
        return 0
    with transaction.atomic():
        spend_totals.lock()
        creative_links.link(pending.arrived)
        moved = refresh(pending.changed, pending.waiting_since)
        pending.next_watermark.save()
    return moved


def catch_up_in_parts(pending: PendingChanges) -> Iterator[tuple[int, float]]:
    """Count pending changes in short transactions; call ``save_watermark`` afterwards.

    Yields:
        After each transaction, how many advertisements it moved to another segment, and which
        share of all creatives is done, 0 to 1.
    """
    # Two queries: for both conditions in one, PostgreSQL compares every creative with every other.
    changed = pending.changed.filter(spent__isnull=False).order_by()
    arrived = creative_links.unlinked(pending.arrived).order_by()
    keys = sorted({*changed.values_list("pk", flat=True), *arrived.values_list("pk", flat=True)})
    for first in range(0, len(keys), PART):
        part = keys[first : first + PART]
        span = Creative.objects.filter(pk__range=(part[0], part[-1]))
        with transaction.atomic():
            spend_totals.lock()
            creative_links.link(span)
            moved = refresh(span, timezone.now())
        yield moved, (first + len(part)) / len(keys)


def save_watermark(pending: PendingChanges) -> int:
    """Recount advertisements without a creative, then save the watermark.

    Returns:
        How many advertisements without a creative got another segment.
    """
    # No creative has pk 0. ``none()`` would not do: it compiles to no SQL at all.
    moved = refresh(Creative.objects.filter(pk=0), pending.waiting_since)
    pending.next_watermark.save()
    return moved


def refresh(creatives: CreativeQuerySet, since: datetime | None = None) -> int:
    """Move the spend of creatives, and of IDs without a creative, to their current segments.

    Args:
        creatives: Creatives whose advertisements are recounted.
        since: Of the advertisements without a creative, recount only those that are stale or whose
            waiting label was created later than this. None: all of them.

    Returns:
        How many advertisements got another segment.
    """
    sql, params = _moved(creatives, since)
    counted = Q(creative__in=creatives) | Q(creative__isnull=True)
    stale = Advertisement.objects.filter(counted, stale=True).order_by().values("pk")
    # On PostgreSQL each statement sees what was committed before it. An advertisement that becomes
    # stale after ``spend_moved`` is filled has to stay so, because it is not counted. Rows that
    # another transaction has locked are skipped: it may be marking them.
    with transaction.atomic(), connection.cursor() as cursor:
        spend_totals.lock()
        stale_sql, stale_params = stale.select_for_update(skip_locked=True).query.sql_with_params()
        cursor.execute(f"CREATE TEMPORARY TABLE spend_was_stale AS {stale_sql}", stale_params)
        cursor.execute(f"CREATE TEMPORARY TABLE spend_moved AS {sql}", params)
        cursor.execute("SELECT COUNT(*) FROM spend_moved")
        [count] = cursor.fetchone()
        if count:
            if connection.vendor == "postgresql":
                cursor.execute("ANALYZE spend_moved")
            spend_totals.add(MOVES)
            cursor.execute(COUNTED)
            cursor.execute(EMPTY)
        cursor.execute("DROP TABLE spend_moved")
        was_stale = RawSQL("SELECT id FROM spend_was_stale", ())
        Advertisement.objects.filter(pk__in=was_stale).update(stale=False)
        cursor.execute("DROP TABLE spend_was_stale")
    return int(count)


def misplaced(creatives: CreativeQuerySet, since: datetime | None = None) -> int:
    """Return how many advertisements ``refresh`` would move. Takes the same arguments."""
    return _count(*_moved(creatives, since))


def overlooked() -> int:
    """Return how many advertisements have a wrong segment that ``catch_up`` would not correct."""
    pending = pending_changes()
    # Not by NOT IN: with many creatives PostgreSQL compares every one with every other.
    waits = Exists(pending.changed.order_by().filter(pk=OuterRef("pk")))
    settled = Creative.objects.filter(~waits)
    sql, params = _moved(settled, pending.waiting_since, f"NOT {CHANGED_ORPHANS}")
    return _count(sql, params)


def _count(sql: str, params: tuple[Any, ...]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM ({sql}) moved", params)  # noqa: S608
        [count] = cursor.fetchone()
    return int(count)


def _moved(
    creatives: CreativeQuerySet, since: datetime | None, orphans: str = CHANGED_ORPHANS
) -> tuple[str, tuple[Any, ...]]:
    """Return SQL and parameters that select advertisements counted under a wrong segment."""
    effective: Any = creatives.filter(spent__isnull=False).with_effective_segment().order_by()
    columns = effective.values("id", "label_segment", "effective_segment")
    sql, params = columns.query.sql_with_params()
    if since is None:
        return MOVED.format(effective=sql, orphans=ALL_ORPHANS), params
    when = connection.ops.adapt_datetimefield_value(since)
    return MOVED.format(effective=sql, orphans=orphans), (*params, when)


def _changed(mark: Watermark, next_watermark: Watermark) -> CreativeQuerySet:
    """Return the creatives whose effective segment may have changed since the watermark."""
    if mark.model_version != next_watermark.model_version:
        return Creative.objects.all()
    labelled = Label.objects.filter(pk__gt=mark.label).order_by().values("creative")
    judged = Prediction.objects.filter(pk__gt=mark.prediction).order_by().values("creative")
    changed = DecisionChange.objects.filter(pk__gt=mark.decision_change).order_by()
    stale = Advertisement.objects.filter(stale=True, creative__isnull=False).values("creative")
    # One union of keys: with four conditions and OR, PostgreSQL reads every creative.
    keys = labelled.union(judged, changed.values("prediction__creative"), stale)
    return Creative.objects.filter(pk__in=keys)


def _next_watermark(mark: Watermark, now: datetime) -> Watermark:
    """Return a watermark that covers only rows older than ``OVERLAP``.

    No transaction that wrote such a row, or a row with a lower key, can still be open.
    """
    active = ModelVersion.objects.filter(is_active=True).first()

    def last(model: type[Model], after: int) -> int:
        old = model._default_manager.filter(pk__gt=after, created_at__lt=now - OVERLAP)
        return old.aggregate(last=Max("pk"))["last"] or after

    return Watermark(
        pk=1,
        label=last(Label, mark.label),
        prediction=last(Prediction, mark.prediction),
        creative=last(Creative, mark.creative),
        decision_change=last(DecisionChange, mark.decision_change),
        waiting=now - OVERLAP,
        model_version=active.pk if active else None,
        looked_at=now,
    )

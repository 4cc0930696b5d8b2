"""Retry of failed creatives, thousands in one action."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Count, Q, QuerySet

from creativefilter.creatives.analysis import stages
from creativefilter.creatives.models import Creative
from creativefilter.jobs import lifecycle, quota
from creativefilter.jobs.models import Job


class ChangedError(Exception):
    """The number of failed creatives is not the expected one."""


def failed(
    creatives: QuerySet[Creative] | None = None, codes: Collection[str] = ()
) -> QuerySet[Creative]:
    """Return the creatives that can be retried: failed, with media, without an open job.

    Args:
        creatives: limit to these; None for all.
        codes: limit to these error codes; empty for all.
    """
    rows = Creative.objects.filter(
        ~Q(job__state__in=Job.OPEN) | Q(job__isnull=True),
        state=Creative.State.FAILED,
        current_media__isnull=False,
    )
    if creatives is not None:
        rows = rows.filter(pk__in=creatives.order_by().values("pk"))
    return rows.filter(error_code__in=codes) if codes else rows


def by_reason() -> list[tuple[str, int]]:
    """Return each error code with its number of creatives to retry, the most frequent first."""
    rows = failed().values_list("error_code")
    return [(code, count) for code, count in rows.annotate(rows=Count("pk")).order_by("-rows")]


def retry(
    owner: User | None,
    creatives: QuerySet[Creative] | None = None,
    codes: Collection[str] = (),
    expected: int | None = None,
) -> list[Job]:
    """Create background jobs for all creatives that ``failed`` returns, in one transaction.

    Args:
        owner: owner of the jobs, if anyone.
        creatives: limit to these; None for all.
        codes: limit to these error codes; empty for all.
        expected: number of creatives that the user was shown; None to skip this check.

    Raises:
        ChangedError: there are not ``expected`` creatives; no job is created.
    """
    with transaction.atomic(), quota.lifted():
        rows = list(
            failed(creatives, codes)
            .select_for_update(of=("self",))
            .only("pk", "current_media")
            .order_by("pk")
        )
        if expected is not None and len(rows) != expected:
            raise ChangedError
        jobs = lifecycle.create_many(
            stages.ANALYSE,
            [{"creative": row.pk, "media": row.current_media_id} for row in rows],
            owner,
        )
        _hand_over(list(zip(rows, jobs, strict=True)))
    return jobs


def _hand_over(pairs: Sequence[tuple[Creative, Job]]) -> None:
    """Set the job and state of the creatives and clear their error codes.

    Uses plain SQL, because ``bulk_update`` takes about thirty times as long.
    """
    table, key = Creative._meta.db_table, Job._meta.pk
    rows = [
        (key.get_db_prep_value(job.pk, connection), Creative.State.QUEUED.value, "", creative.pk)
        for creative, job in pairs
    ]
    change = f"UPDATE {table} SET job_id = %s, state = %s, error_code = %s WHERE id = %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(change, rows)

"""Times of a job's stages, and the places of queued jobs in their queues."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from creativefilter.jobs import kinds
from creativefilter.jobs.models import Job
from creativefilter.site import lanes
from creativefilter.site.lanes import Lane, Resource

# Places are counted up to this number, to bound the cost of the queries.
MOST = 10_000


def ended(job: Job) -> list[dict[str, Any]]:
    """Return ``Job.timings`` with an entry for the stage that ends now, done or failed.

    Args:
        job: The row as it was claimed.
    """
    now = timezone.now()
    started = job.stage_started_at or now
    entry = {
        "stage": job.stage,
        "started": started.isoformat(),
        "seconds": round((now - started).total_seconds(), 3),
        "attempts": job.attempts,
    }
    return [*job.timings, entry]


def remaining(job: Job) -> float | None:
    """Estimate the seconds until a running or interrupted job ends; None if that is not known.

    The estimate assumes that the rest takes as long, for each per cent, as the part that is done.
    """
    if job.is_final or job.started_at is None or not job.progress:
        return None
    taken = max(0.0, (timezone.now() - job.started_at).total_seconds())
    return taken * (100 - job.progress) / job.progress


@dataclass(frozen=True, slots=True)
class StageTime:
    """One stage of a job.

    Attributes:
        name: The stage.
        state: ``waiting`` if the job has not reached the stage, ``skipped`` if the job went on
            without running it, ``done`` if it ran it, and at the current stage the job's state.
        started_at: Start of the last attempt.
        seconds: Duration of the last attempt; None until the stage has ended.
        attempts: Number of attempts.
    """

    name: str
    state: str
    started_at: datetime | None = None
    seconds: float | None = None
    attempts: int = 0


def stages_of(job: Job) -> list[StageTime]:
    """Return every stage of the job's kind in order; none if no installed app has the kind."""
    kind = kinds.find(job.kind)
    if kind is None:
        return []
    known = {entry["stage"]: entry for entry in job.timings}
    names = [stage.name for stage in kind.stages]
    current = names.index(job.stage) if job.stage in names else 0
    return [_stage(job, name, known.get(name), index, current) for index, name in enumerate(names)]


def _stage(
    job: Job, name: str, entry: dict[str, Any] | None, index: int, current: int
) -> StageTime:
    if entry:
        state = Job.State.DONE if index < current else job.state
        started = parse_datetime(entry["started"])
        return StageTime(name, state, started, entry["seconds"], entry["attempts"])
    if index < current or (index == current and job.state == Job.State.DONE):
        return StageTime(name, "skipped")
    if index > current:
        return StageTime(name, "waiting")
    return StageTime(name, job.state, job.stage_started_at, None, job.attempts)


def places(jobs: Sequence[Job]) -> dict[Any, int]:
    """Count the queued jobs that will be taken before each of the given jobs.

    Workers take jobs of a queue by priority, then in the order in which messages arrived at the
    broker. The count assumes that the messages of older jobs arrived first.

    Args:
        jobs: Jobs in any state.

    Returns:
        For each queued job its primary key and the count, at most ``MOST``. Jobs in other states
        or at unknown stages are left out.
    """
    queues: dict[tuple[Resource, Lane, int], list[Job]] = defaultdict(list)
    for job in jobs:
        found_stage = kinds.find_stage(job.kind, job.stage)
        if job.state == Job.State.QUEUED and found_stage:
            kind, stage = found_stage
            lane = Lane(job.urgency)
            priority = lanes.priority(lane, kind.stages_before(stage.name))
            queues[(stage.resource, lane, priority)].append(job)
    found: dict[Any, int] = {}
    for (resource, lane, priority), waiting in queues.items():
        before = _queued(resource, lane, range(priority))[:MOST].count()
        same = _queued(resource, lane, [priority])
        if len(waiting) == 1:
            older = same.filter(created_at__lt=waiting[0].created_at)[:MOST].count()
            found[waiting[0].pk] = min(MOST, before + older)
            continue
        ages = list(same.order_by("created_at").values_list("created_at", flat=True)[:MOST])
        for job in waiting:
            found[job.pk] = min(MOST, before + bisect_left(ages, job.created_at))
    return found


def _queued(resource: Resource, lane: Lane, priorities: Container[int]) -> QuerySet[Job]:
    """Return the jobs that wait in a queue at these priorities."""
    stages = Q(pk__in=[])
    for kind in kinds.registered():
        names = [
            stage.name
            for number, stage in enumerate(kind.stages)
            if stage.resource == resource and lanes.priority(lane, number) in priorities
        ]
        if names:
            stages |= Q(kind=kind.name, stage__in=names)
    return Job.objects.filter(stages, state=Job.State.QUEUED, urgency=lane.value)

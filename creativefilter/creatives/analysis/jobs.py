"""Creation of analysis jobs: for new media, to analyse again, or only to predict one again."""

from __future__ import annotations

from collections.abc import Callable, Collection

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from creativefilter.creatives.analysis import stages
from creativefilter.creatives.models import Creative, MediaVersion
from creativefilter.jobs import lifecycle
from creativefilter.jobs.models import Job
from creativefilter.site.codes import CodedError


def analyse(
    creative: Creative,
    media: MediaVersion,
    owner: User | None,
    urgency: str,
    *,
    fresh: bool = False,
) -> Job:
    """Create the job that analyses ``media``, and make ``media`` the creative's current one.

    Args:
        creative: the creative.
        media: the media version to analyse.
        owner: who asked for the job, if anyone.
        urgency: lane of the job.
        fresh: do every stage again, even if a twin has results for these bytes.

    Raises:
        QuotaExceeded: the owner has too many open jobs.
    """
    params = {"creative": creative.pk, "media": media.pk, **({"fresh": True} if fresh else {})}
    job = lifecycle.create(stages.ANALYSE, params, owner, urgency)
    creative.current_media = media
    creative.name = media.original_name
    creative.job = job
    creative.state = Creative.State.QUEUED
    creative.error_code = ""
    creative.save(update_fields=["current_media", "name", "job", "state", "error_code"])
    return job


def _queue(
    creatives: list[Creative], owner: User | None, create: Callable[..., list[Job]]
) -> list[Job]:
    """Create jobs for the creatives' current media with ``create``, a function of ``lifecycle``."""
    jobs = create(
        stages.ANALYSE,
        [{"creative": creative.pk, "media": creative.current_media_id} for creative in creatives],
        owner,
    )
    for creative, job in zip(creatives, jobs, strict=True):
        creative.job = job
        creative.state = Creative.State.QUEUED
        creative.error_code = ""
    Creative.objects.bulk_update(creatives, ["job", "state", "error_code"], batch_size=200)
    return jobs


def analyse_again(creative: Creative, owner: User | None) -> Job:
    """Create a job that does every stage again for the current media, even if a twin has results.

    An imported transcript, which has no file, only gets a new prediction.

    Raises:
        CodedError: ``nothing_to_analyse`` without media, ``not_analysable`` with an open job.
        QuotaExceeded: the owner has too many open jobs.
    """
    with transaction.atomic():
        creative = Creative.objects.select_for_update().get(pk=creative.pk)
        if creative.current_media is None:
            raise CodedError("nothing_to_analyse")
        if creative.job and not creative.job.is_final:
            raise CodedError("not_analysable")
        if not creative.current_media.file:
            [job] = _queue([creative], owner, lifecycle.create_at_last_stage)
            return job
        urgency = Job.Urgency.INTERACTIVE
        return analyse(creative, creative.current_media, owner, urgency, fresh=True)


def analyse_missing(creatives: Collection[int], owner: User | None) -> None:
    """Create background jobs for those of these creatives that have media and no open job.

    Where a transcript or screen reading exists, or there is no file, only the prediction is made
    again.

    Raises:
        QuotaExceeded: the owner would have too many open jobs.
    """
    with transaction.atomic():
        idle = list(
            Creative.objects.select_for_update(of=("self",))
            .filter(pk__in=creatives, current_media__isnull=False)
            .exclude(job__state__in=(Job.State.QUEUED, Job.State.RUNNING))
            .order_by("pk")
        )
        known = set(
            MediaVersion.objects.filter(pk__in=[creative.current_media_id for creative in idle])
            .filter(Q(file="") | Q(transcripts__isnull=False) | Q(readings__isnull=False))
            .values_list("pk", flat=True)
        )
        decided = [one for one in idle if one.current_media_id in known]
        analysed = [one for one in idle if one.current_media_id not in known]
        _queue(decided, owner, lifecycle.create_at_last_stage)
        _queue(analysed, owner, lifecycle.create_many)

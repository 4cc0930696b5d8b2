"""The job that computes expected spend from many predictions and caches it in ``KeptEstimate``.

Half a million predictions take ten seconds. The cached estimate is shown until the next one is
computed.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from creativefilter.creatives import model_versions
from creativefilter.jobs import lifecycle
from creativefilter.jobs.kinds import Kind, Save, Stage, register
from creativefilter.jobs.models import Job
from creativefilter.spend.models import NOT_CLASSIFIED, Advertisement, KeptEstimate
from creativefilter.spend.reports import answer_cache, expected_spend
from creativefilter.spend.reports.expected_spend import (
    Estimate,
    ExpectedSpend,
    ReviewCandidate,
    ReviewGain,
)
from creativefilter.spend.reports.filters import Filters

# A request computes the intervals of up to this many predicted creatives itself, in about two
# seconds.
AT_ONCE = 75_000


@dataclass(frozen=True, slots=True)
class Study:
    """An estimate with the creatives worth reviewing. ``made_at`` is None if it is not cached."""

    estimate: Estimate
    worth: ReviewGain
    made_at: datetime | None = None


def get_or_queue(filters: Filters) -> tuple[Study | None, Job | None]:
    """Return the estimate under these filters, and the job that computes a newer one.

    Returns:
        The estimate, None if none is cached yet; and the job, None if the estimate is current. The
        job may be one that failed.
    """
    if _is_quick(filters):
        return Study(*expected_spend.study(filters)), None
    digest, version = _digest(filters), _version()
    cached = KeptEstimate.objects.select_related("job").get_or_create(digest=digest)[0]
    found = _study_of(cached)
    if found and cached.version == version:
        return found, None
    if cached.job and not cached.job.is_final:
        return found, cached.job
    if (
        cached.job
        and cached.job.state == Job.State.FAILED
        and cached.job.params["version"] == version
    ):
        return found, cached.job
    params = {"query": filters.query(), "version": version}
    with transaction.atomic():
        job = lifecycle.create(SPEND_INTERVALS, params, urgency=Job.Urgency.LONG)
        KeptEstimate.objects.filter(pk=digest).update(job=job)
    return found, job


def latest(filters: Filters) -> Estimate:
    """Return the estimate that ``get_or_queue`` returns; compute it now if none is cached."""
    if not _is_quick(filters):
        cached = KeptEstimate.objects.filter(pk=_digest(filters)).first()
        if cached and (found := _study_of(cached)):
            return found.estimate
    return expected_spend.study(filters)[0]


def run(job: Job) -> Save:
    """Recompute and store the estimate for ``job.params["query"]``."""
    filters, version = Filters.of_text(job.params["query"]), _version()
    estimate, worth = expected_spend.study(filters)

    def save() -> None:
        KeptEstimate.objects.update_or_create(
            digest=_digest(filters),
            defaults={
                "version": version,
                "answer": {"estimate": _plain(asdict(estimate)), "worth": _plain(asdict(worth))},
                "made_at": timezone.now(),
            },
        )

    return save


def _is_quick(filters: Filters) -> bool:
    predicted = Advertisement.objects.filter(filters.on_advertisements(), reviewed=False)
    return predicted.exclude(segment=NOT_CLASSIFIED).count() <= AT_ONCE


def _digest(filters: Filters) -> str:
    return hashlib.sha256(filters.query().encode()).hexdigest()


def _version() -> str:
    """Return the state of spend, predictions and active version that an estimate depends on."""
    try:
        model: int | None = model_versions.active().pk
    except model_versions.NoActiveModelError:
        model = None
    parts = (*answer_cache.version(), *expected_spend.last_prediction(), model)
    return " ".join(map(str, parts))


def _plain(value: Any) -> Any:
    """Convert to JSON values, with amounts as text."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Decimal) else value


def _study_of(cached: KeptEstimate) -> Study | None:
    if not cached.answer:
        return None
    estimate, worth = cached.answer["estimate"], cached.answer["worth"]
    amounts = ("counted", "certain", "expected", "low", "high")
    return Study(
        Estimate(
            tuple(ExpectedSpend(**_exact(each, *amounts)) for each in estimate["segments"]),
            Decimal(estimate["not_classified"]),
        ),
        ReviewGain(
            creatives=tuple(
                ReviewCandidate(**_exact(each, "amount", "at_stake")) for each in worth["creatives"]
            ),
            width=Decimal(worth["width"]),
            width_after=Decimal(worth["width_after"]),
            predicted=worth["predicted"],
        ),
        cached.made_at,
    )


def _exact(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {**values, **{name: Decimal(values[name]) for name in names}}


SPEND_INTERVALS = register(
    Kind(
        gettext_noop("spend_intervals"),
        (Stage(gettext_noop("estimating"), "cpu", run),),
        lambda job: None,
    )
)

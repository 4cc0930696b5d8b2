"""Expected spend where it takes long: computed by a job, cached in ``KeptEstimate``.

Half a million predictions take ten seconds. The last answer is shown until a newer one is there.
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

# Predicted creatives whose intervals a request makes itself, in about two seconds.
AT_ONCE = 75_000


@dataclass(frozen=True, slots=True)
class Study:
    """``made_at`` is None where it was made just now."""

    estimate: Estimate
    worth: ReviewGain
    made_at: datetime | None = None


def ask(filters: Filters) -> tuple[Study | None, Job | None]:
    """The intervals under these filters, if there are any, and the job that makes newer ones.

    The job is None if the intervals are current; it may be one that failed.
    """
    if _is_quick(filters):
        return Study(*expected_spend.study(filters)), None
    digest, version = _digest(filters), _version()
    kept = KeptEstimate.objects.select_related("job").get_or_create(digest=digest)[0]
    found = _study_of(kept)
    if found and kept.version == version:
        return found, None
    if kept.job and not kept.job.is_final:
        return found, kept.job
    if kept.job and kept.job.state == Job.State.FAILED and kept.job.params["version"] == version:
        return found, kept.job
    params = {"query": filters.query(), "version": version}
    with transaction.atomic():
        job = lifecycle.create(SPEND_INTERVALS, params, urgency=Job.Urgency.LONG)
        KeptEstimate.objects.filter(pk=digest).update(job=job)
    return found, job


def shown(filters: Filters) -> Estimate:
    """What ``ask`` has shown; made now where that is nothing yet."""
    if not _is_quick(filters):
        kept = KeptEstimate.objects.filter(pk=_digest(filters)).first()
        if kept and (found := _study_of(kept)):
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
    """State of spend, predictions and model that the intervals are computed from."""
    try:
        model: int | None = model_versions.active().pk
    except model_versions.NoActiveModelError:
        model = None
    parts = (*answer_cache.version(), expected_spend.last_prediction(), model)
    return " ".join(map(str, parts))


def _plain(value: Any) -> Any:
    """For JSON: amounts as text."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Decimal) else value


def _study_of(kept: KeptEstimate) -> Study | None:
    if not kept.answer:
        return None
    estimate, worth = kept.answer["estimate"], kept.answer["worth"]
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
        kept.made_at,
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

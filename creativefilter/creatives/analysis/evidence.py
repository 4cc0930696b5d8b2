"""The job that computes the evidence of one prediction, when a person wants to see it.

Evidence takes ten times as long as the prediction, so it is left out when all creatives are
predicted by another version. A creative that is analysed by itself has it from the start.
"""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_noop

from creativefilter.creatives.analysis import engines
from creativefilter.creatives.analysis.decision import evidence_of, features_of
from creativefilter.creatives.models import DecisionInputs, Prediction
from creativefilter.jobs import lifecycle
from creativefilter.jobs.kinds import JobError, Kind, Save, Stage, Subject, nothing, register
from creativefilter.jobs.models import Job


def is_missing(prediction: Prediction) -> bool:
    """Return whether the evidence of a prediction was not computed, although it has channels."""
    inputs = prediction.stored_inputs
    return inputs is not None and bool(inputs.mask) and inputs.evidence is None


def under_way(prediction: Prediction) -> bool:
    """Return whether a job computes the evidence now."""
    jobs = Job.objects.filter(kind=EXPLAIN.name, state__in=Job.OPEN)
    return jobs.filter(params__prediction=prediction.pk).exists()


def request(prediction: Prediction, owner: User | None) -> Job | None:
    """Queue the job, unless the evidence is there or is being computed.

    Raises:
        QuotaExceeded: The owner has too many open jobs.
    """
    with transaction.atomic():
        if not is_missing(prediction) or under_way(prediction):
            return None
        params = {"creative": prediction.creative_id, "prediction": prediction.pk}
        return lifecycle.create(EXPLAIN, params, owner)


def run(job: Job) -> Save:
    """Compute the evidence by the version that made the prediction.

    Raises:
        JobError: ``no_model`` if the version's folder is damaged; ``deleted`` if the creative was
            deleted.
    """
    from classifier.artefact import ArtefactError

    rows = Prediction.objects.select_related("media__creative", "model_version")
    prediction = rows.filter(pk=job.params["prediction"]).first()
    if prediction is None:
        raise JobError("deleted", "the creative was deleted while its job waited")
    features = features_of(prediction.media)
    try:
        [found] = engines.bundle(prediction.model_version).predict([features])
    except ArtefactError as error:
        raise JobError("no_model", str(error)) from error
    evidence = {one.name: evidence_of(one, features) for one in found.channels}

    def save() -> None:
        DecisionInputs.objects.filter(pk=prediction.pk).update(evidence=evidence)

    return save


EXPLAIN = register(
    Kind(
        gettext_noop("explain"),
        (Stage(gettext_noop("explaining"), "cpu", run),),
        nothing,
        subject=Subject("creatives.Creative", "creative"),
    )
)

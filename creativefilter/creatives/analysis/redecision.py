"""The job that brings the decisions on all creatives up to date, from stored results.

It is queued when another version is activated, when leads change the settings of decisions, and
when transcripts are imported. Creatives without a prediction of the active version get one;
predictions that were decided by other settings are decided again from their stored inputs. The job
works in short transactions, and goes on where it was after a kill. Creatives stay as they are until
their turn comes; only the newest such job writes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from creativefilter.creatives import decision_settings, model_versions
from creativefilter.creatives.analysis.bulk_decisions import COLUMNS, decided, predict, save
from creativefilter.creatives.analysis.rule_in_force import RuleInForce, rule_in_force
from creativefilter.creatives.model_versions import NoActiveModelError
from creativefilter.creatives.models import (
    Creative,
    DecisionChange,
    DecisionParameters,
    DecisionSettings,
    ModelVersion,
    Prediction,
    ScreenReading,
    Transcript,
)
from creativefilter.jobs import lifecycle, quota
from creativefilter.jobs.kinds import (
    Continued,
    JobError,
    Kind,
    ResultText,
    Save,
    Stage,
    nothing,
    register,
)
from creativefilter.jobs.models import Job
from creativefilter.site import lanes

# Creatives in one transaction: to be predicted, which takes most of a second before it starts, and
# to be decided again, within a tenth of a second.
PREDICTED_AT_ONCE, DECIDED_AT_ONCE = 500, 1_000

# One statement for a part: as one for each row it takes several times as long. The casts are for
# columns that are NULL in all rows.
_UPDATE = f"""
    UPDATE {Prediction._meta.db_table}
    SET segment_id = CAST(v.column2 AS integer), probability = CAST(v.column3 AS double precision),
        decision = v.column4, conflict = v.column5,
        threshold = CAST(v.column6 AS double precision), parameters_id = %s
    FROM (VALUES {{rows}}) AS v
    WHERE {Prediction._meta.db_table}.id = v.column1
"""  # noqa: S608 (a constant)


@dataclass(frozen=True, slots=True)
class Redecision:
    """The queued job, and the number of creatives that it has to decide."""

    job: Job
    creatives: int


def decide_again(owner: User | None) -> Redecision | None:
    """Queue one job for all creatives whose decision is not by the rule in force.

    A job that an earlier call has queued ends as cancelled. The job does not count towards the
    owner's quota.

    Returns:
        None if all decisions are up to date.
    """
    with transaction.atomic(), quota.lifted():
        model_versions.lock()
        for job in Job.objects.filter(kind=DECIDE_AGAIN.name, state__in=Job.OPEN):
            lifecycle.cancel(job)
        version = ModelVersion.objects.filter(is_active=True).first()
        count = waiting(version, decision_settings.current()) if version else 0
        if not count:
            return None
        return Redecision(
            lifecycle.create(DECIDE_AGAIN, {"total": count}, owner, Job.Urgency.LONG), count
        )


def latest() -> Job | None:
    """Return the newest job of this kind."""
    return Job.objects.filter(kind=DECIDE_AGAIN.name).order_by("-created_at").first()


def waiting(version: ModelVersion, chosen: DecisionSettings) -> int:
    """Return how many creatives the version has not decided by these settings."""
    return unpredicted(version, chosen).count() + outdated(version, chosen).count()


def unpredicted(version: ModelVersion, chosen: DecisionSettings) -> QuerySet[Creative]:
    """Return the analysed creatives that need a prediction of the version.

    Under other settings than the first ones, predictions without stored inputs do not suffice.
    """
    media = OuterRef("current_media")
    transcribed = Transcript.objects.filter(media=media)
    read = ScreenReading.objects.filter(media=media)
    predicted = Prediction.objects.filter(
        creative=OuterRef("pk"), media=media, model_version=version
    )
    if not decision_settings.is_first(chosen):
        predicted = predicted.filter(parameters__isnull=False)
    return Creative.objects.filter(
        Exists(transcribed) | Exists(read), ~Exists(predicted), state=Creative.State.DONE
    )


def outdated(version: ModelVersion, chosen: DecisionSettings) -> QuerySet[Prediction]:
    """Return the predictions of the version on current media that other parameters decided."""
    from classifier.decision import rule

    current = DecisionParameters.objects.filter(
        model_version=version, settings=chosen, rule_version=rule.RULE_VERSION
    )
    return Prediction.objects.filter(
        model_version=version,
        media=F("creative__current_media"),
        parameters__isnull=False,
        inputs__isnull=False,
    ).exclude(parameters__in=current.values_list("pk", flat=True)[:1])


@dataclass
class _Tally:
    """What the job has done: the result of the job, and between turns a part of its params."""

    predicted: int = 0
    decided: int = 0
    to_person: int = 0
    to_automatic: int = 0
    other_segment: int = 0


class _Run:
    """One turn of the job."""

    def __init__(self, job: Job, rule: RuleInForce) -> None:
        self.job = job
        self.rule = rule
        self.tally = _Tally(**job.params.get("tally", {}))
        # Keys up to which creatives have their prediction, and predictions their decision.
        self.predicted_to: int = job.params.get("predicted_to", 0)
        self.decided_to: int = job.params.get("decided_to", 0)

    @property
    def percent(self) -> int:
        done = self.tally.predicted + self.tally.decided
        return min(99, 100 * done // max(1, self.job.params.get("total", 1)))

    @property
    def params(self) -> dict[str, Any]:
        return {
            **self.job.params,
            "tally": asdict(self.tally),
            "predicted_to": self.predicted_to,
            "decided_to": self.decided_to,
        }

    def part(self) -> bool:
        """Do the next part in a transaction; return False if there is none."""
        return self._decide() or self._predict() or self._start_over()

    def _start_over(self) -> bool:
        """Return to the first keys if creatives have come up behind; return False if none has."""
        if not (self.predicted_to or self.decided_to):
            return False
        self.predicted_to = self.decided_to = 0
        left = unpredicted(self.rule.version, self.rule.settings).exists()
        return left or outdated(self.rule.version, self.rule.settings).exists()

    def _check_rule(self) -> None:
        """Lock version and settings for this transaction.

        Raises:
            Continued: They have changed: start over with the new ones, unless superseded.
        """
        if not self.rule.still_holds():
            raise Continued(self.percent, {**self.params, "predicted_to": 0, "decided_to": 0})

    def _hold(self) -> None:
        """Check within a transaction that this job may write, and save how far it is.

        Raises:
            JobError: The job was cancelled, superseded or taken over.
        """
        claimed = lifecycle.claimed_row(self.job)
        if not claimed.update(progress=self.percent, params=self.params):
            raise JobError("worker_lost")

    def _decide(self) -> bool:
        """Decide some predictions again from their inputs."""
        with transaction.atomic():
            # Locks in the order of an activation: the versions, then the job.
            self._check_rule()
            rows = outdated(self.rule.version, self.rule.settings).filter(pk__gt=self.decided_to)
            part = list(rows.order_by("pk").values_list(*COLUMNS, named=True)[:DECIDED_AT_ONCE])
            if not part:
                return False
            self._update(part)
            self.decided_to = part[-1].pk
            self.tally.decided += len(part)
            self._hold()
        return True

    def _update(self, part: Sequence[Any]) -> None:
        parameters = self.rule.row()
        decisions = decided(part, self.rule)
        rows = ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(part))
        values = [one for old, new in zip(part, decisions, strict=True) for one in (old.pk, *new)]
        with connection.cursor() as cursor:
            cursor.execute(_UPDATE.format(rows=rows), [parameters.pk, *values])
        changes = [
            DecisionChange(
                prediction_id=old.pk,
                settings=self.rule.settings,
                from_segment_id=old.segment,
                to_segment_id=new[0],
                from_decision=old.decision,
                to_decision=new[2],
            )
            for old, new in zip(part, decisions, strict=True)
            if (old.segment, old.decision) != (new[0], new[2])
        ]
        DecisionChange.objects.bulk_create(changes)
        for change in changes:
            self.tally.other_segment += change.from_segment_id != change.to_segment_id
            if change.from_decision != change.to_decision:
                self.tally.to_person += change.to_decision == Prediction.Decision.REVIEW
                self.tally.to_automatic += change.to_decision == Prediction.Decision.AUTO

    def _predict(self) -> bool:
        """Predict some creatives by the active version."""
        rows = unpredicted(self.rule.version, self.rule.settings).filter(pk__gt=self.predicted_to)
        part = list(rows.order_by("pk").values_list("pk", "current_media")[:PREDICTED_AT_ONCE])
        if not part:
            return False
        predictions = predict([media for _, media in part], self.rule)
        with transaction.atomic():
            self._check_rule()
            # A creative may have been deleted, analysed again or given other media meanwhile.
            still = rows.filter(pk__in=[key for key, _ in part]).order_by("pk")
            still = still.select_for_update(of=("self",), no_key=True)
            current = {one.current_media_id for one in still.only("pk", "current_media")}
            save([pair for pair in predictions if pair[0].media_id in current], self.rule.row())
            self.predicted_to = part[-1][0]
            self.tally.predicted += len(current)
            self._hold()
        return True


def run(job: Job) -> Save:
    """Decide creatives again, for one turn of the queue.

    Raises:
        Continued: The turn is over and creatives are left.
        JobError: ``no_model`` if there is no active version or its folder is damaged;
            ``worker_lost`` if the job was cancelled, superseded or taken over.
    """
    from classifier.artefact import ArtefactError

    turn_ends = time.monotonic() + lanes.TURN_SECONDS
    try:
        turn = _Run(job, rule_in_force())
        while turn.part():
            if time.monotonic() > turn_ends:
                raise Continued(turn.percent, turn.params)
    except (ArtefactError, NoActiveModelError) as error:
        raise JobError("no_model", str(error)) from error
    return lambda: asdict(turn.tally)


def result_text(job: Job) -> ResultText | None:
    """Return the result of a done job in the reader's language."""
    found = job.result or {}
    sentences = [
        _("Creatives predicted: %d.") % found.get("predicted", 0),
        _("Decisions made again: %d.") % found.get("decided", 0),
    ]
    if found.get("decided"):
        sentences.append(
            _(
                "Of these, now for a person: %(person)d; now automatic: %(automatic)d; with "
                "another segment: %(segment)d."
            )
            % {
                "person": found["to_person"],
                "automatic": found["to_automatic"],
                "segment": found["other_segment"],
            }
        )
    return ResultText(sentences, [])


DECIDE_AGAIN = register(
    Kind(
        gettext_noop("decide_again"),
        (Stage(gettext_noop("deciding"), "cpu", run),),
        nothing,
        result_text=result_text,
    )
)

"""Model versions and their predictions."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from creativefilter.creatives.models.decision import DecisionInputs, DecisionParameters
from creativefilter.creatives.models.media import MediaVersion, Transcript
from creativefilter.creatives.models.segment import Segment


class ModelVersion(models.Model):
    """A registered model folder.

    At most one is active. At most one is the ancestor, whose text model trainings may mix into new
    versions; if none is, the starter is.
    """

    name = models.CharField(_("name"), max_length=128)
    digest = models.CharField(_("digest"), max_length=64, unique=True)
    folder = models.CharField(_("folder"), max_length=512)
    metrics = models.JSONField(_("figures"), default=dict)
    is_active = models.BooleanField(_("active"), default=False)
    is_ancestor = models.BooleanField(_("ancestor"), default=False, db_default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("model version")
        verbose_name_plural = _("model versions")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_active"], condition=Q(is_active=True), name="one_active_model_version"
            ),
            models.UniqueConstraint(
                fields=["is_ancestor"], condition=Q(is_ancestor=True), name="one_ancestor"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Prediction(models.Model):
    """Decision of a model version about a media version.

    What the version computed (``inputs``) never changes. The decision is a function of the inputs
    and of ``parameters``; under other settings it is updated in place, and a change of segment or
    decision adds a ``DecisionChange``.
    """

    class Reason(models.TextChoices):
        NO_SPEECH = "no_speech", _("No speech, and no text found on the screen")

    class Decision(models.TextChoices):
        AUTO = "auto", _("sure enough")
        REVIEW = "review", _("a person has to look")

    creative = models.ForeignKey(
        "creatives.Creative",
        verbose_name=_("creative"),
        on_delete=models.CASCADE,
        related_name="predictions",
    )
    media = models.ForeignKey(
        MediaVersion, verbose_name=_("media"), on_delete=models.CASCADE, related_name="predictions"
    )
    transcript = models.ForeignKey(
        Transcript, verbose_name=_("transcript"), null=True, on_delete=models.SET_NULL
    )
    model_version = models.ForeignKey(
        ModelVersion,
        verbose_name=_("model version"),
        on_delete=models.PROTECT,
        related_name="predictions",
    )
    segment = models.ForeignKey(
        Segment, verbose_name=_("segment"), null=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(
        _("why it is not classified"), max_length=32, choices=Reason, blank=True
    )
    probability = models.FloatField(_("probability"), null=True)
    decision = models.CharField(
        _("decision"), max_length=8, choices=Decision, default=Decision.REVIEW
    )
    # A channel is sure of another segment than the predicted one.
    conflict = models.BooleanField(_("channels contradict each other"), default=False)
    # The smallest probability of an automatic decision; None if there is none.
    threshold = models.FloatField(_("threshold"), null=True)
    # None for predictions without stored inputs. No index: that would make each change of settings
    # write all indexes of the row.
    parameters = models.ForeignKey(
        DecisionParameters,
        verbose_name=_("parameters"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    # Predictions of 0.2.0 and older, without inputs; see ``probabilities`` and ``channels``.
    former_probabilities = models.JSONField(default=dict, db_column="probabilities")
    former_channels = models.JSONField(default=list, db_column="channels")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("prediction")
        verbose_name_plural = _("predictions")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["creative", "model_version", "-id"])]

    def __str__(self) -> str:
        return str(self.segment or self.get_reason_display())

    @property
    def stored_inputs(self) -> DecisionInputs | None:
        """The inputs of the decision; None for predictions of 0.2.0 and older."""
        return getattr(self, "inputs", None)

    @property
    def probabilities(self) -> dict[str, float]:
        """Probabilities by segment number, under the mix of the settings; empty without a channel.

        Read lists with ``select_related("inputs", "parameters")``.
        """
        inputs = self.stored_inputs
        if inputs is None or self.parameters is None:
            return dict(self.former_probabilities)
        found = inputs.logarithms()
        if not found or self.probability is None:
            return {}
        # The stored probability was computed by numpy, whose last bits differ.
        return self.parameters.shares(found[0]) | {str(self.segment_id): self.probability}

    @probabilities.setter
    def probabilities(self, values: dict[str, float]) -> None:
        self.former_probabilities = values

    @property
    def channels(self) -> list[dict[str, Any]]:
        """The channels, by their probability of the predicted segment, highest first.

        Each has "name", "probabilities" by segment number without the mix, and, if they were
        computed, the deciding words ("evidence") and similar labelled creatives ("neighbours").
        """
        inputs = self.stored_inputs
        if inputs is None or self.parameters is None:
            return list(self.former_channels)
        evidence = inputs.evidence or {}
        rows = [
            {
                "name": name,
                "probabilities": self.parameters.plain_shares(logarithms),
                **evidence.get(name, {}),
            }
            for name, logarithms in zip(inputs.channels, inputs.logarithms()[1:], strict=True)
        ]
        key = str(self.segment_id)
        return sorted(rows, key=lambda row: -row["probabilities"].get(key, 0.0))

    @channels.setter
    def channels(self, rows: list[dict[str, Any]]) -> None:
        self.former_channels = rows

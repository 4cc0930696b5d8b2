"""Model versions and their predictions."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from creativefilter.creatives.models.media import MediaVersion, Transcript
from creativefilter.creatives.models.segment import Segment


class ModelVersion(models.Model):
    """A registered model folder. At most one is active."""

    name = models.CharField(_("name"), max_length=128)
    digest = models.CharField(_("digest"), max_length=64, unique=True)
    folder = models.CharField(_("folder"), max_length=512)
    metrics = models.JSONField(_("figures"), default=dict)
    is_active = models.BooleanField(_("active"), default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("model version")
        verbose_name_plural = _("model versions")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_active"], condition=Q(is_active=True), name="one_active_model_version"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Prediction(models.Model):
    """Decision of a model version about a media version. Never changed or overwritten."""

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
    probabilities = models.JSONField(_("probabilities by segment number"), default=dict)
    decision = models.CharField(
        _("decision"), max_length=8, choices=Decision, default=Decision.REVIEW
    )
    # The channels with evidence, by their probability of the predicted segment, highest first:
    # "name", "probabilities" by segment number, the deciding words ("evidence"), similar labelled
    # creatives ("neighbours").
    channels = models.JSONField(_("what each channel says"), default=list)
    # A channel is sure of another segment than the predicted one.
    conflict = models.BooleanField(_("channels contradict each other"), default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("prediction")
        verbose_name_plural = _("predictions")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["creative", "model_version", "-id"])]

    def __str__(self) -> str:
        return str(self.segment or self.get_reason_display())

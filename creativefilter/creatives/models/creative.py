"""The creative itself, and its effective segment."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from classifier import channels
from creativefilter.creatives.channel_names import TITLES
from creativefilter.creatives.models.label import Label
from creativefilter.creatives.models.media import PictureVector, ScreenReading, Transcript
from creativefilter.creatives.models.prediction import Prediction
from creativefilter.creatives.models.segment import counted_segment


class CreativeQuerySet(models.QuerySet["Creative"]):
    def real(self) -> CreativeQuerySet:
        """Leave out demonstration creatives, as training and reports do."""
        return self.filter(is_demo=False)

    def analysed(self) -> CreativeQuerySet:
        """Keep creatives with a result of some channel for their current media.

        "No speech" is a result, too. Jobs do not matter: a creative that is being classified again
        is kept.
        """
        media = OuterRef("current_media")
        return self.filter(
            Exists(Transcript.objects.filter(media=media))
            | Exists(ScreenReading.objects.filter(media=media, problem=""))
            | Exists(PictureVector.objects.filter(media=media))
        )

    def with_effective_segment(self) -> CreativeQuerySet:
        """Annotate label, prediction and the effective segment.

        The effective segment is the newest label, unless it was withdrawn, else the newest
        prediction of the active model version for the current media, else the newest one of another
        version, which decides until the active one has its turn, else NULL.
        ``label_segment`` and ``predicted_segment`` are the two by themselves; ``prediction``,
        ``probability``, ``reason`` and ``decision`` are of that prediction, with or without a
        label. Instead of a merged segment, all of them have the one into which it was merged.
        """
        labels = Label.objects.filter(creative=OuterRef("pk")).order_by("-pk")
        predictions = Prediction.objects.filter(
            creative=OuterRef("pk"),
            media=OuterRef("current_media"),
        ).order_by("-model_version__is_active", "-pk")
        label_segment = Subquery(labels.values(counted=counted_segment())[:1])
        predicted_segment = Subquery(predictions.values(counted=counted_segment())[:1])
        return self.annotate(
            label_segment=label_segment,
            prediction=Subquery(predictions.values("pk")[:1]),
            predicted_segment=predicted_segment,
            probability=Subquery(predictions.values("probability")[:1]),
            reason=Subquery(predictions.values("reason")[:1]),
            decision=Subquery(predictions.values("decision")[:1]),
            effective_segment=Coalesce(label_segment, predicted_segment),
        )


class Creative(models.Model):
    """One advertising spot, identified by its Advertisement ID."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        DECODING = "decoding", _("Decoding")
        SPEECH = channels.SPEECH, TITLES[channels.SPEECH]
        SCREEN = channels.SCREEN, TITLES[channels.SCREEN]
        PICTURES = channels.PICTURES, TITLES[channels.PICTURES]
        CLASSIFYING = "classifying", _("Classifying")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    advertisement_id = models.CharField(
        _("Advertisement ID"), max_length=64, unique=True, null=True, blank=True
    )
    name = models.CharField(_("file"), max_length=255)
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.QUEUED)
    error_code = models.CharField(_("error code"), max_length=64, blank=True)
    current_media = models.ForeignKey(
        "MediaVersion",
        verbose_name=_("current media"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    job = models.ForeignKey(
        "jobs.Job", verbose_name=_("job"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    # Filled from spend rows with this Advertisement ID.
    advertiser = models.CharField(_("advertiser"), max_length=255, blank=True)
    brand = models.CharField(_("brand"), max_length=255, blank=True)
    media_type = models.CharField(_("media type"), max_length=64, blank=True)
    is_demo = models.BooleanField(_("demonstration"), default=False)
    # NULL until the creative is assigned; never set from True to another value (families.exam_set).
    is_exam = models.BooleanField(_("exam set"), null=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("added by"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    created_at = models.DateTimeField(_("added"), auto_now_add=True)

    objects = CreativeQuerySet.as_manager()

    class Meta:
        verbose_name = _("creative")
        verbose_name_plural = _("creatives")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["state"]),
            models.Index(fields=["is_demo"]),
            models.Index(fields=["is_exam"]),
        ]

    def __str__(self) -> str:
        return self.advertisement_id or self.name

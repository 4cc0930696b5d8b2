"""Creatives and what is known of them. Predictions and labels stand side by side, for ever."""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from classifier import channels
from creativefilter.creatives.channel_names import TITLES
from creativefilter.creatives.models.families import Family as Family
from creativefilter.creatives.models.families import FamilyLink as FamilyLink
from creativefilter.creatives.models.families import Fingerprint as Fingerprint
from creativefilter.creatives.models.families import FingerprintKey as FingerprintKey


class Segment(models.Model):
    """A row of the analysts' dictionary; filled from ``classifier.segments``."""

    number = models.PositiveSmallIntegerField(_("number"), primary_key=True)
    name = models.CharField(_("name"), max_length=128)
    name_en = models.CharField(_("English name"), max_length=128)
    criteria = models.TextField(_("when to choose it"))
    criteria_en = models.TextField(_("when to choose it, in English"))

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number} · {self.title}"

    @property
    def title(self) -> str:
        """The name in the reader's language."""
        return self.name_en if (get_language() or "").startswith("en") else self.name

    @property
    def description(self) -> str:
        """The criteria in the reader's language."""
        english = (get_language() or "").startswith("en")
        return self.criteria_en if english else self.criteria


class ModelVersion(models.Model):
    """A model folder that predictions can name. Exactly one is active."""

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


class CreativeQuerySet(models.QuerySet["Creative"]):
    def real(self) -> CreativeQuerySet:
        """Without the demonstration rows: what training and reports may see."""
        return self.filter(is_demo=False)

    def with_effective_segment(self) -> CreativeQuerySet:
        """Adds ``label_segment``, ``predicted_segment``, ``probability`` and their outcome.

        The effective segment is the newest label, unless it was withdrawn, else the newest
        prediction of the active model version for the current media, else NULL. ``prediction``
        is the key of that prediction, whatever the label says.
        """
        labels = Label.objects.filter(creative=OuterRef("pk")).order_by("-pk")
        predictions = Prediction.objects.filter(
            creative=OuterRef("pk"),
            media=OuterRef("current_media"),
            model_version__is_active=True,
        ).order_by("-pk")
        return self.annotate(
            label_segment=Subquery(labels.values("segment")[:1]),
            prediction=Subquery(predictions.values("pk")[:1]),
            predicted_segment=Subquery(predictions.values("segment")[:1]),
            probability=Subquery(predictions.values("probability")[:1]),
            reason=Subquery(predictions.values("reason")[:1]),
            decision=Subquery(predictions.values("decision")[:1]),
            effective_segment=Coalesce(
                Subquery(labels.values("segment")[:1]),
                Subquery(predictions.values("segment")[:1]),
            ),
        )


class Creative(models.Model):
    """One advertisement. Its media, transcripts, predictions and labels hang on it."""

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
    # From the spend table, once it is known there.
    advertiser = models.CharField(_("advertiser"), max_length=255, blank=True)
    brand = models.CharField(_("brand"), max_length=255, blank=True)
    media_type = models.CharField(_("media type"), max_length=64, blank=True)
    is_demo = models.BooleanField(_("demonstration"), default=False)
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
        indexes = [models.Index(fields=["state"]), models.Index(fields=["is_demo"])]

    def __str__(self) -> str:
        return self.advertisement_id or self.name


def storage_name(media: MediaVersion, original: str) -> str:
    """A name of our own; of the client's only a harmless extension reaches the disk."""
    suffix = Path(original).suffix.lower()
    if not re.fullmatch(r"\.[a-z0-9]{1,5}", suffix):
        suffix = ""
    name = uuid.uuid4().hex
    return f"creatives/{name[:2]}/{name}{suffix}"


class MediaVersion(models.Model):
    """The bytes of a creative. The same Advertisement ID with other bytes is a new version.

    ``file`` is empty where only a transcript was imported; ``sha256`` is then that of its text.
    """

    creative = models.ForeignKey(
        Creative, verbose_name=_("creative"), on_delete=models.CASCADE, related_name="media"
    )
    file = models.FileField(_("file"), upload_to=storage_name, max_length=255, blank=True)
    original_name = models.CharField(_("original name"), max_length=255)
    sha256 = models.CharField(_("SHA-256"), max_length=64, db_index=True)
    size = models.PositiveBigIntegerField(_("bytes"))
    container = models.CharField(_("container"), max_length=64, blank=True)
    seconds = models.FloatField(_("seconds"), null=True)
    partial = models.BooleanField(_("damaged, read in part"), default=False)
    share_read = models.FloatField(_("share that was read"), null=True)
    probe = models.JSONField(_("streams"), default=dict)
    shape = models.JSONField(_("shape of the spot"), default=dict)
    created_at = models.DateTimeField(_("added"), auto_now_add=True)

    class Meta:
        verbose_name = _("media version")
        verbose_name_plural = _("media versions")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["creative", "sha256"], name="one_version_per_bytes")
        ]

    def __str__(self) -> str:
        return self.original_name


class Transcript(models.Model):
    """What Whisper heard. ``text`` is as heard; ``speech`` is what is left without junk."""

    media = models.ForeignKey(
        MediaVersion, verbose_name=_("media"), on_delete=models.CASCADE, related_name="transcripts"
    )
    engine = models.CharField(_("engine"), max_length=64)
    model = models.CharField(_("model"), max_length=255)
    language = models.CharField(_("language"), max_length=16)
    text = models.TextField(_("text"))
    speech = models.TextField(_("speech"))
    spoken = models.BooleanField(_("somebody speaks"))
    utterances = models.JSONField(_("utterances"), default=list)
    seconds_taken = models.FloatField(_("seconds taken"))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("transcript")
        verbose_name_plural = _("transcripts")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.speech[:80]


class ScreenReading(models.Model):
    """What stands on the pictures; ``problem`` says why it could not be read."""

    media = models.ForeignKey(
        MediaVersion, verbose_name=_("media"), on_delete=models.CASCADE, related_name="readings"
    )
    engine = models.CharField(_("engine"), max_length=255, blank=True)
    text = models.TextField(_("text"), blank=True)
    lines = models.JSONField(_("lines"), default=list)
    problem = models.CharField(_("why it was not read"), max_length=64, blank=True)
    seconds_taken = models.FloatField(_("seconds taken"))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("reading of the screen")
        verbose_name_plural = _("readings of the screen")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.text[:80]


class PictureVector(models.Model):
    """The vector of an encoder of pictures: float32 numbers, little-endian.

    Training and neighbours use it.
    """

    media = models.ForeignKey(
        MediaVersion, verbose_name=_("media"), on_delete=models.CASCADE, related_name="vectors"
    )
    encoder = models.CharField(_("encoder"), max_length=255)
    vector = models.BinaryField(_("vector"))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("picture vector")
        verbose_name_plural = _("picture vectors")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["media", "encoder"], name="one_vector_per_encoder")
        ]

    def __str__(self) -> str:
        return self.encoder


class Prediction(models.Model):
    """What a model version decided, and why. Never changed, never overwritten by a person."""

    class Reason(models.TextChoices):
        NO_SPEECH = "no_speech", _("Nobody speaks in it, and no words were read on the screen")

    class Decision(models.TextChoices):
        AUTO = "auto", _("sure enough")
        REVIEW = "review", _("a person has to look")

    creative = models.ForeignKey(
        Creative, verbose_name=_("creative"), on_delete=models.CASCADE, related_name="predictions"
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
    # The channels that speak, the one that moved most first: its name, its probabilities by
    # segment number, the words that decided ("evidence"), labelled creatives alike ("neighbours").
    channels = models.JSONField(_("what each channel says"), default=list)
    # The channels are each sure of another segment.
    conflict = models.BooleanField(_("channels contradict each other"), default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("prediction")
        verbose_name_plural = _("predictions")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["creative", "model_version", "-id"])]

    def __str__(self) -> str:
        return str(self.segment or self.get_reason_display())

    def candidates(self, count: int = 3) -> list[tuple[int, float]]:
        """The most probable segment numbers with their probabilities, best first."""
        ranked = sorted(self.probabilities.items(), key=lambda item: -item[1])
        return [(int(number), probability) for number, probability in ranked[:count]]


class AppendOnlyError(RuntimeError):
    """Somebody tried to change or delete a row that is history."""


class LabelBatch(models.Model):
    """Labels that a person set at once; they can be undone at once (``relabelling``)."""

    segment = models.ForeignKey(
        Segment, verbose_name=_("segment"), on_delete=models.PROTECT, related_name="+"
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("author"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    note = models.CharField(_("note"), max_length=255, blank=True)
    size = models.PositiveIntegerField(_("creatives"))
    created_at = models.DateTimeField(_("set"), auto_now_add=True)
    undone_at = models.DateTimeField(_("undone"), null=True)

    class Meta:
        verbose_name = _("batch of labels")
        verbose_name_plural = _("batches of labels")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.segment}: {self.size}"


class Label(models.Model):
    """What a person said of a creative. Rows are only added; one without a segment withdraws."""

    creative = models.ForeignKey(
        Creative, verbose_name=_("creative"), on_delete=models.CASCADE, related_name="labels"
    )
    segment = models.ForeignKey(
        Segment,
        verbose_name=_("segment"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("author"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    note = models.CharField(_("note"), max_length=255, blank=True)
    batch = models.ForeignKey(
        LabelBatch,
        verbose_name=_("batch of labels"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="labels",
    )
    created_at = models.DateTimeField(_("set"), auto_now_add=True)

    class Meta:
        verbose_name = _("label")
        verbose_name_plural = _("labels")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["creative", "-id"])]

    def __str__(self) -> str:
        return str(self.segment) if self.segment else str(_("label withdrawn"))

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise AppendOnlyError("a label is never changed: add another")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("a label is never deleted: withdraw it")


class WaitingLabel(models.Model):
    """An imported label whose creative has not arrived; intake turns it into a ``Label``."""

    advertisement_id = models.CharField(_("Advertisement ID"), max_length=64, primary_key=True)
    segment = models.ForeignKey(
        Segment, verbose_name=_("segment"), on_delete=models.CASCADE, related_name="+"
    )
    source = models.CharField(_("source"), max_length=255)
    created_at = models.DateTimeField(_("created"), auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = _("waiting label")
        verbose_name_plural = _("waiting labels")

    def __str__(self) -> str:
        return f"{self.advertisement_id}: {self.segment_id}"


class WatchedFile(models.Model):
    """A file seen in the watched folder (``watching``): how it stood, and what became of it."""

    class State(models.TextChoices):
        GROWING = "growing", _("Being written")
        READY = "ready", _("Ready")
        TAKEN = "taken", _("Taken in")
        REFUSED = "refused", _("Refused")

    path = models.CharField(_("path in the folder"), max_length=1024, unique=True)
    size = models.PositiveBigIntegerField(_("bytes"))
    modified_ns = models.BigIntegerField(_("changed, ns since 1970"))
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.GROWING)
    problem = models.CharField(_("why it was refused"), max_length=255, blank=True)
    creative = models.ForeignKey(
        Creative, verbose_name=_("creative"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    seen_at = models.DateTimeField(_("seen"))

    class Meta:
        verbose_name = _("file of the watched folder")
        verbose_name_plural = _("files of the watched folder")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["state"])]

    def __str__(self) -> str:
        return self.path

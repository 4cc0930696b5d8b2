"""Media versions of a creative, with transcripts, screen readings and picture vectors."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

from django.db import models
from django.utils.translation import gettext_lazy as _


def storage_name(media: MediaVersion, original: str) -> str:
    """Make a random storage name; of the client's name only a harmless extension is used."""
    suffix = Path(original).suffix.lower()
    if not re.fullmatch(r"\.[a-z0-9]{1,5}", suffix):
        suffix = ""
    name = uuid.uuid4().hex
    return f"creatives/{name[:2]}/{name}{suffix}"


class MediaVersion(models.Model):
    """One uploaded file of a creative. Other bytes for the same Advertisement ID are a new version.

    ``file`` is empty where only a transcript was imported; ``sha256`` is then that of its text.
    """

    creative = models.ForeignKey(
        "creatives.Creative",
        verbose_name=_("creative"),
        on_delete=models.CASCADE,
        related_name="media",
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
    """Text of everything spoken: ``text`` as recognised or imported, ``speech`` cleaned."""

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
    """Words read from the frames; ``problem`` is the code of the reason if they can't be read."""

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
    """Vector that a picture encoder makes of the frames; float32, (dimension,), little-endian."""

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

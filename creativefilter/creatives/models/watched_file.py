"""Files of the watched folder, as of the last scan."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from creativefilter.creatives.models.creative import Creative


class WatchedFile(models.Model):
    """A file in the watched folder (``intake.watched_folder``) with its size, time and state."""

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

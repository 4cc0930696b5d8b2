"""Rows that say how far the figures have come, and figures that are kept because they take long."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Watermark(models.Model):
    """How far ``segments.catch_up`` has looked. One row."""

    label = models.BigIntegerField(_("label"), default=0)
    prediction = models.BigIntegerField(_("prediction"), default=0)
    creative = models.BigIntegerField(_("creative"), default=0)
    waiting = models.DateTimeField(_("waiting label"), null=True)
    model_version = models.BigIntegerField(_("model version"), null=True)
    looked_at = models.DateTimeField(_("looked at"))

    class Meta:
        verbose_name = _("watermark")
        verbose_name_plural = _("watermarks")


class KeptEstimate(models.Model):
    """The last answer of ``estimates`` under some filters.

    ``version`` says of which state of spend, labels and predictions it was made.
    """

    digest = models.CharField(_("filters"), max_length=64, primary_key=True)
    version = models.CharField(_("made of"), max_length=255, blank=True)
    answer = models.JSONField(_("figures"), null=True)
    made_at = models.DateTimeField(_("made"), null=True)
    job = models.ForeignKey(
        "jobs.Job", verbose_name=_("job"), null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name = _("kept estimate")
        verbose_name_plural = _("kept estimates")

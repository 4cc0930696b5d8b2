"""Cached answers of estimates that take long to compute."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class KeptEstimate(models.Model):
    """The last answer of ``reports.expected_spend_jobs`` under some filters.

    ``version`` names the state of spend, labels and predictions that it was computed from.
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

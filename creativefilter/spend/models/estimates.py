"""Cached estimates of expected spend, which take long to compute."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class KeptEstimate(models.Model):
    """The last estimate that ``reports.expected_spend_jobs`` computed for one set of filters.

    ``digest`` is the SHA-256 of the filters; ``version`` identifies the state of spend, labels
    and predictions that the estimate was computed from.
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

"""Model ``Job``. The row, not the broker's message, holds the state of a job."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from creativefilter.site.lanes import Lane


class Job(models.Model):
    """One piece of work in one or more stages, claimed by conditional UPDATE.

    ``stage``, ``worker`` and ``attempts`` (claims of the current stage) identify a claim: by them
    a late worker finds out that its claim was taken over (see ``stage_runner``).
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    class Urgency(models.TextChoices):
        INTERACTIVE = Lane.INTERACTIVE.value, _("A person waits")
        LONG = Lane.LONG.value, _("A person waits for minutes")
        BATCH = Lane.BATCH.value, _("In the background")

    OPEN = (State.QUEUED, State.RUNNING)
    FINAL = (State.DONE, State.FAILED, State.CANCELLED)

    id = models.UUIDField(_("number"), primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("kind"), max_length=32)
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.QUEUED)
    stage = models.CharField(_("stage"), max_length=32)
    urgency = models.CharField(
        _("urgency"), max_length=16, choices=Urgency, default=Urgency.INTERACTIVE
    )
    progress = models.PositiveSmallIntegerField(_("progress, %"), default=0)
    params = models.JSONField(_("parameters"), default=dict)
    result = models.JSONField(_("result"), null=True, blank=True)
    error_code = models.CharField(_("error code"), max_length=64, blank=True)
    error_detail = models.TextField(_("technical detail"), blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    # One entry per ended stage: stage, started, seconds (of the last attempt), attempts.
    timings = models.JSONField(_("time taken"), default=list)
    stage_started_at = models.DateTimeField(_("stage started"), null=True, blank=True)
    worker = models.CharField(_("worker"), max_length=255, blank=True)
    lease_until = models.DateTimeField(_("claimed until"), null=True, blank=True)
    # When a sweep found the lease expired; see ``leases``.
    lease_missed_at = models.DateTimeField(_("lease missed"), null=True, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    # False for jobs that were created without an owner, by other jobs, or with the quota lifted
    # (see ``quota``).
    in_quota = models.BooleanField(_("counts as asked for"), default=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    published_at = models.DateTimeField(_("sent to the queue"), null=True, blank=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["state", "published_at"]),
            models.Index(fields=["state", "lease_until"]),
            models.Index(fields=["owner", "-created_at"]),
            models.Index(fields=["-created_at"]),
            models.Index(fields=["owner", "state"]),
            models.Index(fields=["state", "kind", "stage", "urgency", "created_at"]),
            models.Index(fields=["state", "finished_at"]),
        ]

    def __str__(self) -> str:
        return f"{gettext(self.kind)} {self.id}"

    @property
    def is_final(self) -> bool:
        return self.state in self.FINAL

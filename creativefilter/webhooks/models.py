"""Endpoints that users register for events of their jobs, and deliveries of these events."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from creativefilter.webhooks.addresses import URL_MAX_LENGTH


class Event(models.TextChoices):
    """Events that an endpoint can subscribe to."""

    DONE = "job.done", _("job done")
    FAILED = "job.failed", _("job failed")
    CANCELLED = "job.cancelled", _("job cancelled")


# Sent only on the owner's request.
TEST_EVENT = "webhook.test"


class Endpoint(models.Model):
    """A webhook address of one user. Its secret is derived, not stored: see ``signing``.

    Nothing is sent before ``not_before``: the end of the lease of the worker that is sending, or of
    the back-off after a failure.
    """

    class Off(models.TextChoices):
        FAILING = "failing", _("Switched off: all deliveries failed for days.")

    id = models.UUIDField(_("number"), primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        on_delete=models.CASCADE,
        related_name="+",
    )
    url = models.CharField(_("address"), max_length=URL_MAX_LENGTH)
    description = models.CharField(_("description"), max_length=200, blank=True)
    events = models.JSONField(_("events"), default=list)
    active = models.BooleanField(_("active"), default=True)
    off_reason = models.CharField(_("why it is off"), max_length=16, choices=Off, blank=True)
    salt = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    not_before = models.DateTimeField(default=timezone.now)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["owner", "-created_at", "-id"])]

    def __str__(self) -> str:
        return self.url


class Delivery(models.Model):
    """One event for one endpoint: the body to send, and the outcome of the last attempt.

    ``attempts`` counts all attempts; a sender whose count is no longer current has lost its claim.
    ``attempts_before`` is the value of ``attempts`` when a person last sent the delivery again.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("Waits to be sent")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Given up")

    id = models.UUIDField(_("number"), primary_key=True, default=uuid.uuid4, editable=False)
    endpoint = models.ForeignKey(
        Endpoint, verbose_name=_("webhook"), on_delete=models.CASCADE, related_name="deliveries"
    )
    event = models.CharField(_("event"), max_length=32)
    # No foreign key: a job may be deleted before the history of its deliveries.
    job = models.UUIDField(_("job"), null=True, blank=True)
    # The JSON as it is signed and sent: the same bytes at every attempt.
    body = models.TextField(_("what is sent"))
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.PENDING)
    attempts = models.PositiveIntegerField(_("tries"), default=0)
    attempts_before = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(_("next try"), default=timezone.now)
    last_attempt_at = models.DateTimeField(_("last try"), null=True, blank=True)
    status_code = models.PositiveSmallIntegerField(_("status code"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=32, blank=True)
    answer = models.TextField(_("beginning of the answer"), blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["endpoint", "-created_at", "-id"]),
            models.Index(fields=["endpoint", "next_attempt_at"]),
            models.Index(
                fields=["next_attempt_at"],
                condition=models.Q(state="pending"),
                name="webhooks_delivery_due",
            ),
            models.Index(fields=["created_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.id}"

    @property
    def next_try(self) -> datetime | None:
        """Earliest time of the next attempt; None if there will be none."""
        if self.state != self.State.PENDING or not self.endpoint.active:
            return None
        return max(self.next_attempt_at, self.endpoint.not_before)

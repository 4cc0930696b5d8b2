"""Labels (append-only), label batches, and labels that wait for their creative."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from creativefilter.creatives.models.segment import Segment


class AppendOnlyError(RuntimeError):
    """An attempt to change or delete an append-only row."""


class LabelBatch(models.Model):
    """Labels that a person set in one action, which can be undone together (``labels.batches``)."""

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
    """A segment that a person set or imported. Append-only; NULL withdraws the earlier label."""

    creative = models.ForeignKey(
        "creatives.Creative",
        verbose_name=_("creative"),
        on_delete=models.CASCADE,
        related_name="labels",
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
        """Insert a new row.

        Raises:
            AppendOnlyError: the row exists already.
        """
        if self.pk is not None:
            raise AppendOnlyError("a label is never changed: add another")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refuse to delete.

        Raises:
            AppendOnlyError: always.
        """
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

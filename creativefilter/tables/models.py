"""An uploaded table to classify, with the classified table. Visible to its owner only."""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils.translation import gettext_lazy as _

from creativefilter.creatives.models import Creative
from creativefilter.sheets import Finding


def storage_name(table: Table, original: str) -> str:
    """Return a random storage name. The suffix is dropped: formats are detected by content."""
    return f"tables/{uuid.uuid4().hex}"


class Table(models.Model):
    """An uploaded table. ``result`` is the classified table, blank until the job is done.

    ``layout`` is the stored ``sheets.rewrite.Plan``, {} until the table has been read. ``counts``
    are the numbers of rows by answer (``answers.Counts``). ``language`` is the language of the
    answers; if it is "", they are codes for programs. ``awaited`` are the creatives that had no
    segment when the table was read.
    """

    id = models.UUIDField(_("number"), primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        null=True,
        on_delete=models.CASCADE,
        related_name="+",
    )
    job = models.ForeignKey(
        "jobs.Job", verbose_name=_("job"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    name = models.CharField(_("file"), max_length=255)
    language = models.CharField(_("language"), max_length=8, blank=True)
    file = models.FileField(_("file"), upload_to=storage_name, max_length=255)
    result = models.FileField(_("answer"), upload_to=storage_name, max_length=255, blank=True)
    layout = models.JSONField(_("layout"), default=dict)
    counts = models.JSONField(_("rows by answer"), default=dict)
    awaited = models.ManyToManyField(
        Creative, verbose_name=_("creatives that are waited for"), related_name="+"
    )
    created_at = models.DateTimeField(_("added"), auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = _("table")
        verbose_name_plural = _("tables")
        ordering = ["-created_at", "-pk"]
        # Tables are never edited, so there is no permission to change them.
        default_permissions = ("add", "view", "delete")
        indexes = [models.Index(fields=["owner", "-created_at"])]

    def __str__(self) -> str:
        return self.name

    @property
    def is_xlsx(self) -> bool:
        return self.layout.get("kind") == "xlsx"

    @property
    def findings(self) -> list[Finding]:
        """Findings about the table; [] until the table has been read."""
        return [Finding.of(each) for each in self.layout.get("findings", ())]

    @property
    def result_name(self) -> str:
        """File name of the classified table, for downloads."""
        return f"{PurePosixPath(self.name).stem}_segments.{'xlsx' if self.is_xlsx else 'csv'}"

    @property
    def kept_until(self) -> datetime:
        return self.created_at + settings.TABLES_KEPT


@receiver(post_delete, sender=Table)
def remove_files(instance: Table, **_signal: Any) -> None:
    """Delete the files after the commit, so that a rollback loses nothing."""
    for file in (instance.file, instance.result):
        if file.name:
            transaction.on_commit(partial(file.storage.delete, file.name), robust=True)

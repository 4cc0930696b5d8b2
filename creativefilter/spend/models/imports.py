"""Imports of spend tables, and their bad rows."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from creativefilter.spend.fields import MoneyField


def storage_name(spend_import: SpendImport, original: str) -> str:
    """Return a random name without a suffix; the kind of file is detected from its content."""
    return f"spend/{uuid.uuid4().hex}"


class SpendImport(models.Model):
    """An uploaded spend table and the outcome of its import."""

    class State(models.TextChoices):
        UPLOADED = "uploaded", _("Uploaded")
        CHECKED = "checked", _("Checked")
        IMPORTED = "imported", _("Imported")
        KNOWN = "known", _("Already imported before")
        REPLACED = "replaced", _("Replaced in part or in whole")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    class Mode(models.TextChoices):
        ADD = "add", _("add to what is there")
        REPLACE = "replace", _("replace the months that are there")

    file = models.FileField(_("file"), upload_to=storage_name, max_length=255, blank=True)
    name = models.CharField(_("file"), max_length=255)
    # SHA-256 of the unpacked table: a renamed or repacked file counts as the same table.
    digest = models.CharField(_("digest"), max_length=64, blank=True, db_index=True)
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.UPLOADED)
    mode = models.CharField(_("months that are there"), max_length=8, choices=Mode, blank=True)
    strict = models.BooleanField(_("all rows or none"), default=False)
    rows = models.PositiveIntegerField(_("rows"), default=0)
    bad_rows = models.PositiveIntegerField(_("bad rows"), default=0)
    amount = MoneyField(_("sum, RUB"), default=0)
    # Column titles of the file, and ``Report.as_json`` of the last check of the file.
    header = models.JSONField(_("columns"), default=list)
    report = models.JSONField(_("report"), default=dict)
    error_code = models.CharField(_("error code"), max_length=64, blank=True)
    error_params = models.JSONField(_("what the error is about"), default=dict)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    job = models.ForeignKey(
        "jobs.Job", verbose_name=_("job"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    imported_at = models.DateTimeField(_("imported"), null=True)

    class Meta:
        verbose_name = _("import of spend")
        verbose_name_plural = _("imports of spend")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["digest"], condition=Q(state="imported"), name="one_import_per_digest"
            )
        ]

    def __str__(self) -> str:
        return self.name


class BadRow(models.Model):
    """A row that can't be used, with its line, its cells (cut, see ``imports.rows``) and why."""

    class Reason(models.TextChoices):
        NO_ID = "no_id", _("the Advertisement ID is blank")
        BAD_ID = "bad_id", _("this is no Advertisement ID, or a spreadsheet has shortened it")
        NO_AMOUNT = "no_amount", _("the cost is blank")
        NOT_A_NUMBER = "not_a_number", _("the cost is not a number")
        NEGATIVE = "negative", _("the cost is negative")
        TOO_MUCH = "too_much", _("the cost is too large for one row")
        BAD_YEAR = "bad_year", _("there is no such year")
        BAD_MONTH = "bad_month", _("there is no such month: 1 to 12")
        BAD_NAME = "bad_name", _("advertiser, brand or media type is too long or unreadable")
        FEW_CELLS = "few_cells", _("the row has fewer cells than the heading")
        MANY_CELLS = "many_cells", _("the row has more cells than the heading")
        QUOTE = "quote", _("a quotation mark is not closed, here or in a line before")
        LONG_CELL = "long_cell", _("a cell is longer than 131,072 characters")
        ENCODING = "encoding", _("the line is in another encoding than the file")
        # Only in imports by older versions: repeated headings are skipped now.
        HEADING = "heading", _("the heading again")

    spend_import = models.ForeignKey(
        SpendImport,
        verbose_name=_("import of spend"),
        on_delete=models.CASCADE,
        related_name="bad",
    )
    # Blank for CSV files.
    sheet = models.CharField(_("sheet"), max_length=255, blank=True)
    line = models.PositiveIntegerField(_("line of the file"))
    reason = models.CharField(_("reason"), max_length=16, choices=Reason)
    cells = models.JSONField(_("content"), default=list)

    class Meta:
        verbose_name = _("bad row")
        verbose_name_plural = _("bad rows")
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.line}: {self.get_reason_display()}"

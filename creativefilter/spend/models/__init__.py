"""Where the money goes: the rows of the files, and what is summed up of them.

The rows are a star: a narrow row of whole numbers points at ``Advertisement`` (18,239 in the
reference data) and ``Line`` (160), so that a row costs about 60 bytes and a group-by compares
integers. Two sums are kept in the transaction that writes the rows:

- ``MonthlySpend`` answers what one creative cost; it is written in the order of advertisements,
  so that a join with them reads both from end to end.
- ``SpendTotal`` has the effective segment instead of the advertisement. Its size depends on the
  number of lines, months and segments, not on the number of rows, which keeps the charts of ten
  million rows as quick as those of four hundred thousand.

The foreign keys of the three big tables are not enforced by the database: checking them row by
row took longer than writing the rows. Only ``merging`` writes there, by joins with what the keys
point at, and ``check_spend`` finds what would be wrong.
"""

from __future__ import annotations

import uuid
from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from creativefilter.creatives.models import Creative
from creativefilter.spend.fields import MoneyField
from creativefilter.spend.models.estimates import KeptEstimate, Watermark

__all__ = [
    "NOT_CLASSIFIED",
    "Advertisement",
    "BadRow",
    "KeptEstimate",
    "Line",
    "MonthlySpend",
    "SpendImport",
    "SpendRow",
    "SpendTotal",
    "Watermark",
]

# In place of a segment's number; not NULL, which no primary key can hold.
NOT_CLASSIFIED = -1


def storage_name(spend_import: SpendImport, original: str) -> str:
    """A name of our own: what kind of file it is says its content."""
    return f"spend/{uuid.uuid4().hex}"


class SpendImport(models.Model):
    """A file with spend, and what became of it."""

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
    # Of the table as it was packed: the same table is known again under another name or archive.
    digest = models.CharField(_("digest"), max_length=64, blank=True, db_index=True)
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.UPLOADED)
    mode = models.CharField(_("months that are there"), max_length=8, choices=Mode, blank=True)
    strict = models.BooleanField(_("all rows or none"), default=False)
    rows = models.PositiveIntegerField(_("rows"), default=0)
    bad_rows = models.PositiveIntegerField(_("bad rows"), default=0)
    amount = MoneyField(_("sum, RUB"), default=0)
    # The columns of the file, and ``Report.as_json`` of the last look at it.
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

    @property
    def path(self) -> Path:
        return Path(self.file.path)


class BadRow(models.Model):
    """A row of a file that was not imported, as it stands there."""

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
        HEADING = "heading", _("the heading again")

    spend_import = models.ForeignKey(
        SpendImport,
        verbose_name=_("import of spend"),
        on_delete=models.CASCADE,
        related_name="bad",
    )
    line = models.PositiveIntegerField(_("line of the file"))
    reason = models.CharField(_("reason"), max_length=16, choices=Reason)
    cells = models.JSONField(_("content"), default=list)

    class Meta:
        verbose_name = _("bad row")
        verbose_name_plural = _("bad rows")
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.line}: {self.get_reason_display()}"


class Advertisement(models.Model):
    """An Advertisement ID that money was spent on, and its creative if that is here.

    ``segment`` and ``reviewed`` say where ``SpendTotal`` counts its money, ``stale`` that the
    creative or its media changed since (``segments``).
    """

    id = models.AutoField(primary_key=True)
    advertisement_id = models.CharField(_("Advertisement ID"), max_length=64, unique=True)
    creative = models.OneToOneField(
        Creative,
        verbose_name=_("creative"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="spent",
    )
    segment = models.SmallIntegerField(_("segment"), default=NOT_CLASSIFIED)
    reviewed = models.BooleanField(_("reviewed"), default=False)
    stale = models.BooleanField(_("to be counted again"), default=False)

    class Meta:
        verbose_name = _("advertisement")
        verbose_name_plural = _("advertisements")
        indexes = [
            models.Index(fields=["segment"]),
            # To find the few at once.
            models.Index(fields=["id"], condition=Q(stale=True), name="spend_stale"),
        ]

    def __str__(self) -> str:
        return self.advertisement_id


class Line(models.Model):
    """Advertiser, brand and media type as they stand together in rows; blank: not known."""

    id = models.AutoField(primary_key=True)
    advertiser = models.CharField(_("advertiser"), max_length=255)
    brand = models.CharField(_("brand"), max_length=255)
    media_type = models.CharField(_("media type"), max_length=64)

    class Meta:
        verbose_name = _("advertiser, brand and media type")
        verbose_name_plural = _("advertisers, brands and media types")
        constraints = [
            models.UniqueConstraint(
                fields=["advertiser", "brand", "media_type"], name="one_line_per_names"
            )
        ]

    def __str__(self) -> str:
        return " · ".join(filter(None, (self.advertiser, self.brand, self.media_type)))


class SpendRow(models.Model):
    """One row of a file. Identical rows are different placements and all count."""

    spend_import = models.ForeignKey(
        SpendImport,
        verbose_name=_("import of spend"),
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    advertisement = models.ForeignKey(
        Advertisement,
        verbose_name=_("advertisement"),
        on_delete=models.PROTECT,
        related_name="rows",
        db_constraint=False,
    )
    line = models.ForeignKey(
        Line,
        verbose_name=_("advertiser, brand and media type"),
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    month = models.DateField(_("first day of the month"))
    amount = MoneyField(_("estimated cost, RUB"))

    class Meta:
        verbose_name = _("row of spend")
        verbose_name_plural = _("rows of spend")


class MonthlySpend(models.Model):
    """The rows of a month with the same advertisement and line, summed."""

    pk = models.CompositePrimaryKey("advertisement", "line", "month")
    advertisement = models.ForeignKey(
        Advertisement,
        verbose_name=_("advertisement"),
        on_delete=models.PROTECT,
        related_name="months",
        db_constraint=False,
        db_index=False,
    )
    line = models.ForeignKey(
        Line,
        verbose_name=_("advertiser, brand and media type"),
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    month = models.DateField(_("first day of the month"), db_index=True)
    placements = models.IntegerField(_("placements"))
    amount = MoneyField(_("sum, RUB"))

    class Meta:
        verbose_name = _("monthly spend")
        verbose_name_plural = _("monthly spend")


class SpendTotal(models.Model):
    """``MonthlySpend`` with what the advertisement is classified as, instead of itself."""

    pk = models.CompositePrimaryKey("month", "line", "segment", "reviewed")
    month = models.DateField(_("first day of the month"))
    line = models.ForeignKey(
        Line,
        verbose_name=_("advertiser, brand and media type"),
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    segment = models.SmallIntegerField(_("segment"))
    reviewed = models.BooleanField(_("reviewed"))
    placements = models.IntegerField(_("placements"))
    amount = MoneyField(_("sum, RUB"))

    class Meta:
        verbose_name = _("total of spend")
        verbose_name_plural = _("totals of spend")

"""Spend rows, and the advertisements and brand lines that they refer to.

The tables form a star schema: a narrow row of integers refers to ``Advertisement`` (18,239 in the
reference data) and ``BrandLine`` (160), so that a row takes about 60 bytes and a group-by compares
integers.

The database does not enforce the foreign keys of the three big tables (``SpendRow``,
``MonthlySpend``, ``SpendTotal``): checking them row by row took longer than writing the rows. Only
the SQL of ``imports.merging`` and of ``totals`` writes there, with keys taken from the tables that
they refer to; ``check_spend`` finds sums that do not agree with the rows.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from creativefilter.creatives.models import Creative
from creativefilter.spend.fields import MoneyField
from creativefilter.spend.models.imports import SpendImport

# Segment number of spend without a segment. It can't be NULL, as it is part of a primary key.
NOT_CLASSIFIED = -1


class Advertisement(models.Model):
    """An Advertisement ID that has spend, linked to its creative if there is one.

    ``segment`` and ``reviewed`` are those under which ``SpendTotal`` counts the spend. ``stale``
    means that the creative or its media changed since the spend was last counted
    (``totals.segment_changes``).
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
            # Stale advertisements are few: a partial index finds them without a scan.
            models.Index(fields=["id"], condition=Q(stale=True), name="spend_stale"),
        ]

    def __str__(self) -> str:
        return self.advertisement_id


class BrandLine(models.Model):
    """Advertiser, brand and media type that spend rows share. Unknown names are blank."""

    id = models.AutoField(primary_key=True)
    advertiser = models.CharField(_("advertiser"), max_length=255)
    brand = models.CharField(_("brand"), max_length=255)
    media_type = models.CharField(_("media type"), max_length=64)

    class Meta:
        db_table = "spend_line"
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
    """One row of a spend table. Identical rows are different placements, and all count."""

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
    brand_line = models.ForeignKey(
        BrandLine,
        verbose_name=_("advertiser, brand and media type"),
        on_delete=models.PROTECT,
        related_name="+",
        db_column="line_id",
        db_constraint=False,
        db_index=False,
    )
    month = models.DateField(_("first day of the month"))
    amount = MoneyField(_("estimated cost, RUB"))

    class Meta:
        verbose_name = _("row of spend")
        verbose_name_plural = _("rows of spend")

"""Sums of spend rows, and the watermark up to which they are current.

The transaction that writes rows also updates the sums.

- ``MonthlySpend`` answers what was spent on one creative. It is written in the order of
  advertisements, so that a join with ``Advertisement`` reads both tables sequentially.
- ``SpendTotal`` has the effective segment instead of the advertisement. Its size depends on the
  number of brand lines, months and segments, not on the number of rows, so charts of ten million
  rows are as quick as those of four hundred thousand.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from creativefilter.spend.fields import MoneyField
from creativefilter.spend.models.rows import Advertisement, BrandLine


class MonthlySpend(models.Model):
    """Sum of the spend rows of one month with the same advertisement and brand line."""

    pk = models.CompositePrimaryKey("advertisement", "brand_line", "month")
    advertisement = models.ForeignKey(
        Advertisement,
        verbose_name=_("advertisement"),
        on_delete=models.PROTECT,
        related_name="months",
        db_constraint=False,
        db_index=False,
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
    month = models.DateField(_("first day of the month"), db_index=True)
    placements = models.IntegerField(_("placements"))
    amount = MoneyField(_("sum, RUB"))

    class Meta:
        verbose_name = _("monthly spend")
        verbose_name_plural = _("monthly spend")


class SpendTotal(models.Model):
    """Sum of ``MonthlySpend`` by month, brand line, segment and whether it was reviewed."""

    pk = models.CompositePrimaryKey("month", "brand_line", "segment", "reviewed")
    month = models.DateField(_("first day of the month"))
    brand_line = models.ForeignKey(
        BrandLine,
        verbose_name=_("advertiser, brand and media type"),
        on_delete=models.PROTECT,
        related_name="+",
        db_column="line_id",
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


class Watermark(models.Model):
    """Up to which label, prediction, change and creative totals are current. Has one row."""

    label = models.BigIntegerField(_("label"), default=0)
    prediction = models.BigIntegerField(_("prediction"), default=0)
    creative = models.BigIntegerField(_("creative"), default=0)
    decision_change = models.BigIntegerField(_("change of decision"), default=0, db_default=0)
    waiting = models.DateTimeField(_("waiting label"), null=True)
    model_version = models.BigIntegerField(_("model version"), null=True)
    looked_at = models.DateTimeField(_("looked at"))

    class Meta:
        verbose_name = _("watermark")
        verbose_name_plural = _("watermarks")

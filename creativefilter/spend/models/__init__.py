"""Spend: imported files, their rows, sums of the rows, and cached estimates."""

from creativefilter.spend.models.estimates import KeptEstimate
from creativefilter.spend.models.imports import BadRow, SpendImport, storage_name
from creativefilter.spend.models.rows import NOT_CLASSIFIED, Advertisement, BrandLine, SpendRow
from creativefilter.spend.models.totals import MonthlySpend, SpendTotal, Watermark

__all__ = [
    "NOT_CLASSIFIED",
    "Advertisement",
    "BadRow",
    "BrandLine",
    "KeptEstimate",
    "MonthlySpend",
    "SpendImport",
    "SpendRow",
    "SpendTotal",
    "Watermark",
    "storage_name",  # named by the first migration
]

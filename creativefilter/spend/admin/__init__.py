"""The analyst's pages of spend."""

from creativefilter.spend.admin.charts import AdvertisementAdmin
from creativefilter.spend.admin.imports import SpendImportAdmin

__all__ = ["AdvertisementAdmin", "SpendImportAdmin"]

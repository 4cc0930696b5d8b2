"""Admin pages of spend, for analysts."""

from creativefilter.spend.admin.imports import SpendImportAdmin
from creativefilter.spend.admin.routes import AdvertisementAdmin

__all__ = ["AdvertisementAdmin", "SpendImportAdmin"]

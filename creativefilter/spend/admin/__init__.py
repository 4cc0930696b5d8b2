"""The analyst's pages of spend."""

from creativefilter.spend.admin.imports import SpendImportAdmin

__all__ = ["SpendImportAdmin"]

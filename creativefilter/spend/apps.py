from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SpendConfig(AppConfig):
    name = "creativefilter.spend"
    verbose_name = _("Spend")

    def ready(self) -> None:
        # Importing these modules registers job kinds, signal receivers and system checks.
        from creativefilter.spend import doctor, signals  # noqa: F401
        from creativefilter.spend.imports import jobs  # noqa: F401
        from creativefilter.spend.reports import expected_spend_jobs, export_jobs  # noqa: F401
        from creativefilter.spend.totals import recount_jobs  # noqa: F401

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SpendConfig(AppConfig):
    name = "creativefilter.spend"
    verbose_name = _("Spend")

    def ready(self) -> None:
        # Makes kinds of jobs, receivers and checks known to every process.
        from creativefilter.spend import doctor, signals  # noqa: F401
        from creativefilter.spend.imports import jobs  # noqa: F401
        from creativefilter.spend.reports import expected_spend_jobs, export_jobs  # noqa: F401
        from creativefilter.spend.totals import recount_jobs  # noqa: F401

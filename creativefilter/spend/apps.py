from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SpendConfig(AppConfig):
    name = "creativefilter.spend"
    verbose_name = _("Spend")

    def ready(self) -> None:
        # Makes the kind of job, its sentences and the receivers known to every process.
        from creativefilter.spend.imports import jobs as work  # noqa: F401

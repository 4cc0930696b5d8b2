from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TablesConfig(AppConfig):
    name = "creativefilter.tables"
    verbose_name = _("Tables")

    def ready(self) -> None:
        # Registers the kind of job in every process.
        from creativefilter.tables import jobs  # noqa: F401

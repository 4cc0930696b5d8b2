from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DoctorConfig(AppConfig):
    name = "creativefilter.doctor"
    verbose_name = _("System check")

    def ready(self) -> None:
        # Importing these modules registers the site-wide checks and the kind "system_check".
        from creativefilter.doctor import examination_jobs, site_checks  # noqa: F401

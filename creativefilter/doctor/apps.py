from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DoctorConfig(AppConfig):
    name = "creativefilter.doctor"
    verbose_name = _("System check")

    def ready(self) -> None:
        # Registers what belongs to the whole site, and the kind of job that looks at everything.
        from creativefilter.doctor import examination_jobs, site_checks  # noqa: F401

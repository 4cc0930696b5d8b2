from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class JobsConfig(AppConfig):
    name = "creativefilter.jobs"
    verbose_name = _("Jobs")

    def ready(self) -> None:
        # Importing the module registers the system checks of jobs.
        from creativefilter.jobs import doctor  # noqa: F401

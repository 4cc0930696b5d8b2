from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CreativesConfig(AppConfig):
    name = "creativefilter.creatives"
    verbose_name = _("Creatives")

    def ready(self) -> None:
        # Makes the kind of job and the receivers known to every process.
        from creativefilter.creatives import signals  # noqa: F401
        from creativefilter.creatives.analysis import stages  # noqa: F401
        from creativefilter.creatives.intake import archive_jobs, watched_folder  # noqa: F401

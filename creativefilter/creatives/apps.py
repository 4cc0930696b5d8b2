from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CreativesConfig(AppConfig):
    name = "creativefilter.creatives"
    verbose_name = _("Creatives")

    def ready(self) -> None:
        # These imports register kinds of jobs, receivers of signals and checks in every process.
        from creativefilter.creatives import doctor, model_doctor, reference_data  # noqa: F401
        from creativefilter.creatives.analysis import evidence, redecision, stages  # noqa: F401
        from creativefilter.creatives.families import deletion as families  # noqa: F401
        from creativefilter.creatives.families import doctor as family_doctor  # noqa: F401
        from creativefilter.creatives.intake import (  # noqa: F401
            archive_jobs,
            deletion,
            watched_folder,
        )
        from creativefilter.site import sqlite_like  # noqa: F401

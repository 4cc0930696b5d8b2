from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WebhooksConfig(AppConfig):
    name = "creativefilter.webhooks"
    verbose_name = _("Webhooks")

    def ready(self) -> None:
        # Any process may end a job, so every process records deliveries.
        from creativefilter.jobs.signals import job_ended
        from creativefilter.webhooks import endpoints, outbox  # noqa: F401

        job_ended.connect(outbox.record, dispatch_uid="webhooks")

"""The Celery application. Everything it obeys stands in settings under ``CELERY_``."""

import os

from celery import Celery
from django.conf import settings
from kombu import Queue

from creativefilter.site.lanes import QUEUES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "creativefilter.settings")

app = Celery("creativefilter")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = [Queue(name) for name in QUEUES]
app.autodiscover_tasks(["tasks"], related_name="definitions")


def has_broker() -> bool:
    """Whether there is a broker; without one jobs wait in the database for the application."""
    return bool(app.conf.broker_url != settings.NO_BROKER)

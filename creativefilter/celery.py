"""The Celery application, configured by the settings ``CELERY_*``."""

import os

from celery import Celery
from celery.signals import beat_init, worker_init
from django.conf import settings
from kombu import Queue

from creativefilter.site.lanes import QUEUES
from creativefilter.site.private_files import keep_private

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "creativefilter.settings")

app = Celery("creativefilter")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = [Queue(name) for name in QUEUES]
app.autodiscover_tasks(["tasks"], related_name="definitions")

for start_signal in (worker_init, beat_init):
    start_signal.connect(keep_private)


def has_broker() -> bool:
    """Return whether a broker is configured; without one, jobs wait in the database."""
    return bool(app.conf.broker_url != settings.NO_BROKER)

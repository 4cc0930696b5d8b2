"""The Django project of Creative Filter."""

from creativefilter.celery import app as celery_app

__all__ = ("celery_app",)

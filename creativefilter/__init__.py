"""The Django project of Creative Filter."""

# The one place of the version: commands, the schema, pages and pyproject.toml ask here. Before the
# import, which reads the settings.
__version__ = "0.2.0"

from creativefilter.celery import app as celery_app

__all__ = ("celery_app",)

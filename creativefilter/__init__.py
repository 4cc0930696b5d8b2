"""The Django project of Creative Filter."""

# The only place of the version: commands, the schema, pages and pyproject.toml read it from here.
# It must stand before the import, which loads the settings.
__version__ = "0.2.0"

from creativefilter.celery import app as celery_app

__all__ = ("celery_app",)

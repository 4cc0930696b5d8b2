"""Settings of the application with the additional empty view that ``api_load.py`` calls."""

from creativefilter.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.load_urls"

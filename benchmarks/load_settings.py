"""The application's settings, with one more address: the empty view of ``api_load.py``."""

from creativefilter.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.load_urls"

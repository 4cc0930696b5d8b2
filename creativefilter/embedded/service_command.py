"""Base class of the commands that serve until a signal comes: ``web``, ``worker``, ``beat``."""

from __future__ import annotations

import logging
import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from creativefilter.site.commands import BaseCommand, written_file


class ServiceCommand(BaseCommand):
    """A command whose process is handed over to gunicorn or Celery.

    It logs at ``LOG_LEVEL``, handles signals as gunicorn or Celery do, and activates no language,
    because it works for many users.
    """

    help: Any = ""
    # ``prepare`` and ``run`` have run the system checks; without them a restart is quick.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Configure logging and signals, then serve.

        Raises:
            SystemExit: Serving ended with a status other than 0.
        """
        logging.getLogger().setLevel(settings.LOG_LEVEL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with translation.override(None):
            if status := self.serve(**options):
                raise SystemExit(status)

    def serve(self, *args: Any, **options: Any) -> int:
        """Serve, and return the exit status."""
        raise NotImplementedError


def alive_argument(parser: ArgumentParser) -> None:
    """Add the option for the file that is touched while the process works."""
    parser.add_argument(
        "--alive-file", type=written_file, help=_("file that is touched while the process works")
    )

"""Prepare the database, reference rows, weights and the administrator before the first request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creativefilter.embedded.console import credentials_text
from creativefilter.embedded.preparation import prepare
from creativefilter.site.commands import BaseCommand
from creativefilter.site.private_files import write_private

FIRST_LOGIN = "first-login"


class Command(BaseCommand):
    help = gettext_lazy(
        "Migrates, loads segments and the starter model, creates the first administrator."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if credentials := prepare():
            self._show(credentials_text(credentials))
        self.stdout.write(_("The database and the data in %s are prepared.") % settings.DATA_DIR)

    def _show(self, text: str) -> None:
        """Print the credentials on a terminal; elsewhere output may be logged, so write a file."""
        if self.stdout.isatty():
            self.stdout.write(text)
            return
        path = Path(settings.DATA_DIR) / FIRST_LOGIN
        write_private(path, f"{text}\n")
        message = _(
            "The first administrator's password and token are in %s. Note them, then delete the "
            "file."
        )
        self.stdout.write(message % path)

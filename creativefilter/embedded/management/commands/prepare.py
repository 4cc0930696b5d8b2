"""Database, reference rows, weights, administrator: all that comes before the first request."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creativefilter.embedded.console import credentials_text
from creativefilter.embedded.preparation import prepare
from creativefilter.site.commands import BaseCommand


class Command(BaseCommand):
    help = gettext_lazy(
        "Migrates, loads segments and the starter model, creates the first administrator."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if credentials := prepare():
            self.stdout.write(credentials_text(credentials))
        self.stdout.write(_("The database and the data in %s are prepared.") % settings.DATA_DIR)

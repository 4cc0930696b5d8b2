"""Database, reference rows, weights, administrator: all that comes before the first request."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from creativefilter.embedded.console import credentials_text
from creativefilter.embedded.preparation import prepare


class Command(BaseCommand):
    help = "Migrates, loads segments and the starter model, creates the first administrator."

    def handle(self, *args: Any, **options: Any) -> None:
        if credentials := prepare():
            self.stdout.write(credentials_text(credentials))

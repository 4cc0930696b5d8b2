"""Command that removes files left by killed processes; meant to run once a day."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creativefilter.creatives.intake import orphans
from creativefilter.site.commands import BaseCommand


class Command(BaseCommand):
    help = gettext_lazy(
        "Removes uploads and working copies older than a day that belong to no creative, table or "
        "import: files left by processes that were killed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help=_("only list what would be removed")
        )

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        found = orphans.compare().orphans
        for name in [*found.files, *map(str, found.folders)]:
            self.stdout.write(name)
        if dry_run:
            self.stdout.write(_("To be removed: %d.") % (len(found.files) + len(found.folders)))
            return
        orphans.remove(found)
        self.stdout.write(_("Removed: %d.") % (len(found.files) + len(found.folders)))

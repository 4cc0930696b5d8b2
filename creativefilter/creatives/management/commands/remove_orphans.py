"""Command that removes files left by killed processes; meant to run once a day."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creativefilter.creatives.intake import orphans
from creativefilter.site.commands import BaseCommand, CommandError


class Command(BaseCommand):
    help = gettext_lazy(
        "Removes uploads and working copies older than a day that belong to no creative, table or "
        "import: files left by processes that were killed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help=_("only list what would be removed")
        )
        parser.add_argument(
            "--force", action="store_true", help=_("remove them even if they are most of all files")
        )

    def handle(self, *args: Any, dry_run: bool, force: bool, **options: Any) -> None:
        found = orphans.compare().orphans
        if orphans.are_most(found) and not (dry_run or force):
            raise CommandError(
                _(
                    "%(count)d of the %(stored)d files in the storage have no row in the database. "
                    "Does DATABASE_URL belong to this data, or was an older database restored? "
                    "Nothing is removed. If they are to be removed, add --force."
                )
                % {"count": len(found.files), "stored": found.stored}
            )
        for name in [*found.files, *map(str, found.folders)]:
            self.stdout.write(name)
        if dry_run:
            self.stdout.write(_("To be removed: %d.") % (len(found.files) + len(found.folders)))
            return
        orphans.remove(found)
        self.stdout.write(_("Removed: %d.") % (len(found.files) + len(found.folders)))

"""Compare the sums of spend with its rows, exactly."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creativefilter.site.commands import BaseCommand, CommandError
from creativefilter.site.doctor import SHOWN
from creativefilter.spend.totals import checks, segment_changes


class Command(BaseCommand):
    help = gettext_lazy(
        "Compares monthly spend and totals with the rows they come from; --rebuild repairs them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rebuild", action="store_true", help=_("recompute the totals first"))

    def handle(self, *args: Any, rebuild: bool, **options: Any) -> None:
        if rebuild:
            checks.rebuild()
        else:
            segment_changes.catch_up()
        found = checks.check()
        for each in found.differences[:SHOWN]:
            self.stdout.write(str(each))
        if not found.agrees:
            text = _(
                "Sums that differ from their rows: %(sums)d. Advertisements counted under another "
                "segment: %(misplaced)d. Creatives not linked to their spend: %(unlinked)d."
            ) % {
                "sums": len(found.differences),
                "misplaced": found.misplaced,
                "unlinked": found.unlinked,
            }
            if not rebuild:
                text += " " + _("manage.py check_spend --rebuild recomputes the sums.")
            raise CommandError(text)
        self.stdout.write(_("All sums agree with the rows."))

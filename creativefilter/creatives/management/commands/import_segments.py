"""Command that imports the analysts' dictionary of segments."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creativefilter.creatives.models import SegmentGroup
from creativefilter.creatives.segments import dictionary_import
from creativefilter.site.commands import BaseCommand, CommandError, UsageError, existing_file


class Command(BaseCommand):
    help = gettext_lazy(
        "Imports a dictionary of segments: adds new numbers, and changes Russian names. It can be "
        "repeated."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "table",
            type=existing_file,
            help=_("columns Segment_num and Segment; .csv, .xlsx, .xls, .ods …"),
        )
        parser.add_argument("--group", help=_("key of the group of new segments"))
        parser.add_argument("--dry-run", action="store_true", help=_("show, write nothing"))

    def handle(
        self, *args: Any, table: Path, group: str | None, dry_run: bool, **options: Any
    ) -> None:
        keys = list(SegmentGroup.objects.values_list("pk", flat=True))
        if group is not None and group not in keys:
            raise UsageError(
                _("There is no group %(key)s; there are %(keys)s.")
                % {"key": group, "keys": ", ".join(keys)}
            )
        found = dictionary_import.read(table)
        for finding in found.findings:
            self.stdout.write(str(finding))
        for problem in found.problems:
            self.stderr.write(str(problem))
        plan = dictionary_import.plan(found.names)
        for sentence in plan.sentences():
            self.stdout.write(sentence)
        self.stdout.write(_("Segments that stay as they are: %d.") % plan.same)
        if dry_run:
            self.stdout.write(_("This was a dry run: nothing was written."))
        else:
            dictionary_import.apply(plan, group)
        if found.problems and not found.names:
            raise CommandError(_("No row of %s can be used.") % table)
        if found.problems:
            self.part_failed(_("Not every row of %s can be used.") % table)

    def done_so_far(self) -> str:
        return _("Either all rows of the table are imported or none.") + " " + super().done_so_far()

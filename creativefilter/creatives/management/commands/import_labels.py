"""Command that imports labels from a table, also for creatives that do not exist yet."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creativefilter import sheets
from creativefilter.creatives.intake.file_names import display_name
from creativefilter.creatives.labels import imports
from creativefilter.creatives.models import Segment
from creativefilter.sheets import Field
from creativefilter.site.commands import BaseCommand, CommandError, existing_file


class Command(BaseCommand):
    help = gettext_lazy(
        "Imports the labels of a table. Labels set by people are kept; labels of creatives that "
        "are not stored yet wait for them. It can be repeated."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "table",
            type=existing_file,
            help=_("columns Advertisement ID and Segment_num; .csv, .xlsx, .xls, .ods …"),
        )
        parser.add_argument("--dry-run", action="store_true", help=_("count, write nothing"))

    def handle(self, *args: Any, table: Path, dry_run: bool, **options: Any) -> None:
        with sheets.opened(table) as document:
            reading = document.only()
            rows = sheets.records(
                reading, Field.ADVERTISEMENT_ID, (Field.SEGMENT_NUM, Field.SEGMENT)
            )
            outcome = imports.import_labels(rows, display_name(table.name), dry_run=dry_run)
        for finding in (*reading.findings(), *outcome.findings):
            self.stdout.write(str(finding))
        for problem in outcome.problems:
            self.stderr.write(str(problem))
        for overruled in outcome.overruled:
            self.stdout.write(sentence_of(overruled))
        for line in summary(outcome):
            self.stdout.write(line)
        if dry_run:
            self.stdout.write(_("This was a dry run: nothing was written."))
        if outcome.problems and not outcome.mix:
            raise CommandError(_("No row of %s can be used.") % table)
        if outcome.problems:
            self.part_failed(_("Not every row of %s can be used.") % table)

    def done_so_far(self) -> str:
        return _("Either all rows of the table are imported or none.") + " " + super().done_so_far()


def sentence_of(overruled: imports.OverruledRow) -> str:
    """Describe a row of the table that a person's label overruled."""
    values = {
        "row": overruled.row,
        "id": overruled.advertisement_id,
        "given": overruled.given,
    }
    if overruled.segment is None:
        return (
            _(
                "Row %(row)s: %(id)s stays unlabelled, because a person withdrew its label; the "
                "table has %(given)d."
            )
            % values
        )
    return _(
        "Row %(row)s: %(id)s keeps %(segment)d, which a person set; the table has %(given)d."
    ) % {**values, "segment": overruled.segment}


def summary(outcome: imports.LabelOutcome) -> list[str]:
    """Return lines of counts, then the share of each segment, from which a mix can be set."""
    lines = [
        _("New labels: %d.") % outcome.added,
        _("Labels that exist already: %d.") % outcome.unchanged,
        _("Left as a person labelled them: %d.") % len(outcome.overruled),
        _("Labels that wait for their creatives: %(all)d, new or changed: %(new)d.")
        % {"all": outcome.waiting, "new": outcome.new},
        _("Rows that can't be used: %d.") % len(outcome.problems),
    ]
    if outcome.mix:
        lines.append(_("Shares of the segments in the table:"))
    total = sum(outcome.mix.values())
    segments = Segment.objects.in_bulk(outcome.mix)
    for number, count in outcome.mix.items():
        lines.append(f"{count / total:7.2%} {count:7d}  {segments[number]}")
    return lines

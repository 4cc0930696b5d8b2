"""Command that imports transcripts from a table and queues their predictions."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from creativefilter import sheets
from creativefilter.celery import has_broker
from creativefilter.creatives.analysis.redecision import decide_again
from creativefilter.creatives.intake.file_names import display_name
from creativefilter.creatives.intake.transcripts import TranscriptOutcome, import_transcripts
from creativefilter.sheets import Field
from creativefilter.site.commands import (
    BaseCommand,
    CommandError,
    existing_file,
    progress_bar,
)


class Command(BaseCommand):
    help = gettext_lazy(
        "Adds the transcripts of a table as creatives without a file, to be classified by the "
        "active model. It can be repeated; creatives with a file are not changed."
    )

    imported = 0

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "table",
            type=existing_file,
            help=_("columns Advertisement ID and text; .csv, .xlsx, .xls, .ods …"),
        )
        parser.add_argument(
            "--no-decide",
            action="store_true",
            help=_("leave the creatives without a prediction"),
        )

    def handle(self, *args: Any, table: Path, no_decide: bool, **options: Any) -> None:
        outcome = self._import(table)
        for problem in outcome.problems:
            self.stderr.write(str(problem))
        for line in summary(outcome):
            self.stdout.write(line)
        if outcome.problems and not used(outcome):
            raise CommandError(_("No row of %s can be used.") % table)
        if not no_decide:
            self._decide()
        if outcome.problems:
            self.part_failed(_("Not every row of %s can be used.") % table)

    def done_so_far(self) -> str:
        text = ngettext(
            "%d Advertisement ID was processed.",
            "%d Advertisement IDs were processed.",
            self.imported,
        )
        return text % self.imported + " " + super().done_so_far()

    def _import(self, table: Path) -> TranscriptOutcome:
        with sheets.opened(table) as document:
            reading = document.only()
            rows = list(sheets.records(reading, Field.ADVERTISEMENT_ID, Field.TEXT))
        with progress_bar(len(rows)) as bar:

            def advance(count: int) -> None:
                self.imported += count
                bar.update(count)

            outcome = import_transcripts(rows, display_name(table.name), advance)
        for finding in (*reading.findings(), *outcome.findings):
            self.stdout.write(str(finding))
        return outcome

    def _decide(self) -> None:
        queued = decide_again(None)
        count = queued.creatives if queued else 0
        self.stdout.write(_("Creatives that wait to be classified: %d.") % count)
        if queued and not queued.job.published_at and has_broker():
            self.stdout.write(
                _(
                    "The queue could not be reached for %d of them; the running application "
                    "will queue them by itself."
                )
                % count
            )


def used(outcome: TranscriptOutcome) -> int:
    return outcome.added + outcome.changed + outcome.unchanged + outcome.with_file


def summary(outcome: TranscriptOutcome) -> list[str]:
    return [
        _("New creatives: %d.") % outcome.added,
        _("Creatives whose text was added or replaced: %d.") % outcome.changed,
        _("Creatives that have this text already: %d.") % outcome.unchanged,
        _("Creatives with a file of their own, left as they are: %d.") % outcome.with_file,
        _("Rows that can't be used: %d.") % len(outcome.problems),
    ]

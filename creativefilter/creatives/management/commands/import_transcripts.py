"""Takes transcripts from a table; the active model judges them."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from creativefilter.creatives.analysis.jobs import decide_again
from creativefilter.creatives.intake.file_names import display_name
from creativefilter.creatives.intake.transcripts import TranscriptOutcome, import_transcripts


class Command(BaseCommand):
    help = (
        "Takes the transcripts of a table as creatives without a file and lets the active model "
        "judge them. It can be done any number of times; creatives with a file stay as they are."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "table", type=Path, help="columns Advertisement ID and text; .csv or .xlsx"
        )
        parser.add_argument(
            "--no-decide", action="store_true", help="leave the creatives without a prediction"
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

    def _import(self, table: Path) -> TranscriptOutcome:
        from tqdm import tqdm

        from creativefilter.creatives.tables import TableError, numbered, read_table

        columns = ("Advertisement ID", "text")
        try:
            frame = read_table(table, columns)
        except TableError as error:
            raise CommandError(str(error)) from error
        # On standard error; silent where nobody looks.
        with tqdm(total=len(frame), file=sys.stderr, disable=None) as bar:
            return import_transcripts(
                numbered(frame, *columns), display_name(table.name), bar.update
            )

    def _decide(self) -> None:
        jobs = decide_again(None)
        self.stdout.write(_("Creatives that wait to be judged: %d.") % len(jobs))
        # Of many only the first are sent at once.
        if jobs and not jobs[0].published_at:
            self.stdout.write(
                _(
                    "The queue was not reached for %d of them; the running application takes "
                    "them up by itself."
                )
                % len(jobs)
            )


def used(outcome: TranscriptOutcome) -> int:
    return outcome.added + outcome.changed + outcome.unchanged + outcome.with_file


def summary(outcome: TranscriptOutcome) -> list[str]:
    return [
        _("New creatives: %d.") % outcome.added,
        _("Creatives with another text than before: %d.") % outcome.changed,
        _("Creatives that have this text already: %d.") % outcome.unchanged,
        _("Creatives with a file of their own, left as they are: %d.") % outcome.with_file,
        _("Rows that can't be used: %d.") % len(outcome.problems),
    ]

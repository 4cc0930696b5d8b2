"""Trains the text model that ships with the project."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creativefilter.site.commands import BaseCommand, existing_file, output_folder
from creativefilter.site.errors import UserError
from creativefilter.training import evaluation


class Command(BaseCommand):
    help = gettext_lazy(
        "Trains the starter text model: measured on the valid rows and by families of near "
        "duplicates, written from all rows. Restart the application to use it."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--transcripts",
            type=existing_file,
            required=True,
            help=_("columns Segment_num, text and split; .csv, .xlsx, .xls, .ods …"),
        )
        parser.add_argument("--out", type=output_folder, default=Path(settings.STARTER_MODEL))

    def handle(self, *args: Any, transcripts: Path, out: Path, **options: Any) -> None:
        from classifier.learning.starter import train_starter

        rows, findings = evaluation.read_transcripts(transcripts)
        for finding in findings:
            self.stderr.write(str(finding))
        if not any(row.split == "valid" for row in rows):
            raise UserError(_("No row has the split valid: there is nothing to measure on."))
        report = train_starter(rows, out, progress=self.stderr.write)
        for name, value in asdict(report).items():
            shown = f"{value:.4f}" if isinstance(value, float) else str(value)
            self.stdout.write(f"{name:24} {shown}")

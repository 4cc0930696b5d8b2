"""Classifies a table of transcripts."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from creativefilter.creatives.models import Prediction


class Command(BaseCommand):
    help = "Adds Segment_num, Segment, probability and reason to a table of transcripts."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("table", type=Path, help="columns Advertisement ID and text")
        parser.add_argument("--out", type=Path, required=True, help=".csv or .xlsx")

    def handle(self, *args: Any, table: Path, out: Path, **options: Any) -> None:
        from classifier.artefact import ArtefactError
        from creativefilter.creatives.tables import TableError, harmless, read_table, write_table

        try:
            rows = read_table(table, ("Advertisement ID", "text"))
            decided = classify_texts(rows["text"].tolist())
            rows = rows.map(harmless)
            for name, values in decided.items():
                rows[name] = values
            rows["Segment_num"] = rows["Segment_num"].astype("Int64")
            write_table(rows, out)
        except (TableError, ArtefactError) as error:
            raise CommandError(str(error)) from error
        unspoken = sum(reason != "" for reason in decided["reason"])
        self.stdout.write(
            _("%(rows)d rows, %(unspoken)d of them without speech: %(out)s")
            % {"rows": len(rows), "unspoken": unspoken, "out": out}
        )


def classify_texts(texts: list[str]) -> dict[str, list[Any]]:
    """Columns beside the texts; without usable speech the segment stays empty, with a reason."""
    from classifier.segments import by_number
    from classifier.text import assess_speech
    from classifier.text_model import TextModel

    speeches = [assess_speech(text) for text in texts]
    model = TextModel.load(settings.STARTER_MODEL)
    decided = iter(model.predict([speech.text for speech in speeches if speech.spoken]))
    columns: dict[str, list[Any]] = {
        name: [] for name in ("Segment_num", "Segment", "probability", "reason")
    }
    for speech in speeches:
        if speech.spoken:
            prediction = next(decided)
            segment = by_number(prediction.segment)
            row: tuple[Any, ...] = (
                segment.number,
                segment.name,
                round(prediction.probability, 4),
                "",
            )
        else:
            row = (None, "", None, str(Prediction.Reason.NO_SPEECH))
        for values, value in zip(columns.values(), row, strict=True):
            values.append(value)
    return columns

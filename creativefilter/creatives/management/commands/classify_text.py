"""Classifies a table of transcripts."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from creativefilter.creatives.analysis import engines
from creativefilter.creatives.models import Prediction


class Command(BaseCommand):
    help = "Adds Segment_num, Segment, probability, decision and reason to a table of transcripts."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("table", type=Path, help="columns Advertisement ID and text")
        parser.add_argument("--out", type=Path, required=True, help=".csv or .xlsx")

    def handle(self, *args: Any, table: Path, out: Path, **options: Any) -> None:
        from classifier.artefact import ArtefactError
        from creativefilter.creatives.cells import harmless
        from creativefilter.creatives.tables import TableError, read_table, write_table

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
    from classifier.decision.types import SpotFeatures
    from classifier.segments import by_number
    from classifier.speech.cleaning import assess_speech

    speeches = [assess_speech(text) for text in texts]
    features = [SpotFeatures(speech.text if speech.spoken else "") for speech in speeches]
    predictions = engines.bundle_without_worker().predict(features, evidence=False)
    segments = [None if p.segment is None else by_number(p.segment) for p in predictions]
    silent = str(Prediction.Reason.NO_SPEECH)
    return {
        "Segment_num": [segment.number if segment else None for segment in segments],
        "Segment": [segment.name if segment else "" for segment in segments],
        "probability": [round(p.probability, 4) if p.probability else None for p in predictions],
        "decision": [p.decision for p in predictions],
        "reason": ["" if segment else silent for segment in segments],
    }

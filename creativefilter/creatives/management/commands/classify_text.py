"""Classifies a table of transcripts."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creativefilter.creatives.analysis import engines
from creativefilter.creatives.models import Prediction
from creativefilter.site.commands import BaseCommand, existing_file, output_file, progress_bar

if TYPE_CHECKING:
    import pandas as pd

BATCH = 500


class Command(BaseCommand):
    help = gettext_lazy(
        "Adds Segment_num, Segment, probability, decision and reason to a table of transcripts."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "table", type=existing_file, help=_("columns Advertisement ID and text; .csv or .xlsx")
        )
        parser.add_argument(
            "--out", type=output_file(".csv", ".xlsx"), required=True, help=_(".csv or .xlsx")
        )

    def handle(self, *args: Any, table: Path, out: Path, **options: Any) -> None:
        from creativefilter.creatives.tables import read_table

        rows = read_table(table, ("Advertisement ID", "text"))
        decided = classify_texts([])
        try:
            with progress_bar(len(rows)) as bar:
                for start in range(0, len(rows), BATCH):
                    texts = rows["text"][start : start + BATCH].tolist()
                    for name, values in classify_texts(texts).items():
                        decided[name] += values
                    bar.update(len(texts))
        finally:
            # Whatever ended it early: what is done is kept.
            if decided["reason"] or rows.empty:
                self._write(rows, decided, out)

    def _write(self, rows: pd.DataFrame, decided: dict[str, list[Any]], out: Path) -> None:
        from creativefilter.creatives.cells import harmless
        from creativefilter.creatives.tables import write_table

        done = len(decided["reason"])
        table = rows[:done].map(harmless)
        for name, values in decided.items():
            table[name] = values
        table["Segment_num"] = table["Segment_num"].astype("Int64")
        write_table(table, out)
        unspoken = sum(reason != "" for reason in decided["reason"])
        self.stdout.write(
            _("%(rows)d rows, %(unspoken)d of them without speech: %(out)s")
            % {"rows": done, "unspoken": unspoken, "out": out}
        )


def classify_texts(texts: list[str]) -> dict[str, list[Any]]:
    """Columns beside the texts; without usable speech the segment stays empty, with a reason."""
    from classifier.decision.bundle import SpotFeatures
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

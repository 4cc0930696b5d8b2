"""Command that classifies a table of transcripts."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creativefilter import sheets
from creativefilter.creatives import ids
from creativefilter.creatives.analysis import engines
from creativefilter.creatives.models import Prediction
from creativefilter.creatives.refused_rows import RefusedRow
from creativefilter.creatives.segments.directory import Directory
from creativefilter.sheets import Cell, Field, Finding, Reading
from creativefilter.sheets.fields import Heading
from creativefilter.sheets.write import ColumnType, Sheet, write
from creativefilter.site.commands import BaseCommand, existing_file, output_file, progress_bar

BATCH = 500
ADDED = {
    "Segment_num": ColumnType.COUNT, "Segment": ColumnType.TEXT, "probability": ColumnType.NUMBER,
    "decision": ColumnType.TEXT, "reason": ColumnType.TEXT,
}  # fmt: skip


class Command(BaseCommand):
    help = gettext_lazy(
        "Adds Segment_num, Segment, probability, decision and reason to a table of transcripts."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "table",
            type=existing_file,
            help=_("columns Advertisement ID and text; .csv, .xlsx, .xls, .ods …"),
        )
        parser.add_argument(
            "--out", type=output_file(".csv", ".xlsx"), required=True, help=_(".csv or .xlsx")
        )

    def handle(self, *args: Any, table: Path, out: Path, **options: Any) -> None:
        with sheets.opened(table) as document:
            found = read(document.only())
        decided = classify_texts([])
        try:
            with progress_bar(len(found.texts)) as bar:
                for start in range(0, len(found.texts), BATCH):
                    texts = found.texts[start : start + BATCH]
                    for name, values in classify_texts(texts).items():
                        decided[name] += values
                    bar.update(len(texts))
        finally:
            # Also after an error or an interrupt: the rows done so far are written.
            if decided["reason"] or not found.texts:
                self._write(found, decided, out)
        for finding in found.findings:
            self.stdout.write(str(finding))
        for problem in found.problems:
            self.stderr.write(str(problem))
        if found.problems:
            self.part_failed(_("Not every row of %s can be used.") % table)

    def _write(self, found: Transcripts, decided: dict[str, list[Any]], out: Path) -> None:
        done = len(decided["reason"])
        rows = [
            [*cells, *values]
            for cells, *values in zip(found.rows[:done], *decided.values(), strict=True)
        ]
        columns = [(title, ColumnType.TEXT) for title in found.titles]
        write(Sheet([*columns, *((name, ADDED[name]) for name in decided)], rows), out)
        unspoken = sum(reason != "" for reason in decided["reason"])
        self.stdout.write(
            _("%(rows)d rows, %(unspoken)d of them without speech: %(out)s")
            % {"rows": done, "unspoken": unspoken, "out": out}
        )


@dataclass(frozen=True, slots=True)
class Transcripts:
    """The cells and texts of a table of transcripts; ``problems`` are the rows left out."""

    titles: Sequence[str]
    rows: list[Sequence[Cell]]
    texts: list[str]
    problems: list[RefusedRow]
    findings: list[Finding]


def read(reading: Reading) -> Transcripts:
    """Read the cells of all sheets, under the union of their headings.

    Raises:
        SheetError: a sheet has no column for the Advertisement ID or the text, or is damaged.
    """
    every = [_columns(table.heading) for table in reading.tables]
    columns = list(dict.fromkeys(chain(*every)))
    found = Transcripts([title for title, _number in columns], [], [], [], [])
    for record in sheets.records(reading, Field.ADVERTISEMENT_ID, Field.TEXT):
        if record.problem:
            found.problems.append(RefusedRow(record.place, record.problem))
            continue
        try:
            ids.check_digits(record.cells[0])
        except ids.IdError as error:
            found.problems.append(RefusedRow(record.place, str(error)))
            continue
        own = every[record.place.sheet_number]
        row = [*record.row, *[""] * len(own)][: len(own)]
        by_column = dict(zip(own, row, strict=True))
        found.rows.append([by_column.get(column, "") for column in columns])
        found.texts.append(str(record.cells[1]))
    found.findings.extend(reading.findings())
    return found


def _columns(heading: Heading) -> list[tuple[str, int]]:
    """Return each title with a number, which differs between columns of the same title."""
    seen: Counter[str] = Counter()
    columns = []
    for title in heading.titles[: heading.width]:
        columns.append((title, seen[title]))
        seen[title] += 1
    return columns


def classify_texts(texts: list[str]) -> dict[str, list[Any]]:
    """Return the added columns; without usable speech the segment is empty and has a reason.

    Raises:
        UnknownSegmentError: The model predicts a segment that this installation does not have.
    """
    from classifier.decision.types import SpotFeatures
    from classifier.speech.cleaning import assess_speech

    speeches = [assess_speech(text) for text in texts]
    features = [SpotFeatures(speech.text if speech.spoken else "") for speech in speeches]
    predictions = engines.bundle_without_worker().predict(features, evidence=False)
    counted = Directory.read_or_shipped().counted
    segments = [None if p.segment is None else counted(p.segment) for p in predictions]
    silent = str(Prediction.Reason.NO_SPEECH)
    return {
        "Segment_num": [segment.number if segment else None for segment in segments],
        "Segment": [segment.name if segment else "" for segment in segments],
        "probability": [round(p.probability, 4) if p.probability else None for p in predictions],
        "decision": [p.decision for p in predictions],
        "reason": ["" if segment else silent for segment in segments],
    }

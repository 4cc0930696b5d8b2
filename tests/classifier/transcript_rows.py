"""Read a table of transcripts as training rows."""

from __future__ import annotations

import csv
from pathlib import Path

from classifier.segments import canonical
from classifier.text.training import TrainingRow

COLUMNS = ("Advertisement ID", "Segment_num", "text", "split")


def read_rows(path: Path) -> list[TrainingRow]:
    """Return the rows of a CSV in UTF-8 that has ``COLUMNS``."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [
            TrainingRow(canonical(int(row["Segment_num"])), row["text"], row["split"])
            for row in csv.DictReader(file)
        ]

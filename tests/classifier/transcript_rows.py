"""Transcripts of a table as training takes them."""

from __future__ import annotations

import csv
from pathlib import Path

from classifier.segments import canonical
from classifier.text.training import TrainingRow

COLUMNS = ("Advertisement ID", "Segment_num", "text", "split")


def read_rows(path: Path) -> list[TrainingRow]:
    """The rows of a CSV in UTF-8 with ``COLUMNS``."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [
            TrainingRow(canonical(int(row["Segment_num"])), row["text"], row["split"])
            for row in csv.DictReader(file)
        ]

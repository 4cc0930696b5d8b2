"""A few spend rows whose sums can be checked by hand."""

from __future__ import annotations

from pathlib import Path

from creativefilter.creatives.labels.single import set_label
from creativefilter.creatives.models import Creative, Segment
from creativefilter.spend.imports import importer
from creativefilter.spend.totals import segment_changes
from tests.spend.spend_files import text_of

ROWS = (
    "100,МАГНИТ,МАГНИТ КОСМЕТИК,TV Nat,1000000.125,2021,3",
    "100,МАГНИТ,МАГНИТ КОСМЕТИК,TV Nat,1000000.125,2021,3",
    "200,МАГНИТ,МАГНИТ,Radio,500000,2021,4",
    '300,"=HYPERLINK(""http://x"")",,Internet,250000.5,2022,4',
)
IN_ALL = "2750000.75"


def little_spend(folder: Path) -> dict[str, Creative]:
    """Import ``ROWS``: 100 is labelled with segment 3, 200 has no segment, 300 has no creative."""
    rows = {
        number: Creative.objects.create(advertisement_id=number, name=f"{number}.mp4")
        for number in ("100", "200")
    }
    set_label(rows["100"], Segment.objects.get(pk=3), None)
    path = folder / "little.csv"
    path.write_text(text_of(*ROWS), "utf-8")
    importer.import_file(path)
    segment_changes.catch_up()
    return rows

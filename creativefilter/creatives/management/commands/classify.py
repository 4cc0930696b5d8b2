"""Command that classifies files and folders, without web server and broker."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from classifier.pipeline import Decision, Pipeline
from creativefilter.creatives.analysis import engines
from creativefilter.creatives.intake.file_names import advertisement_id_of, is_media
from creativefilter.creatives.models import Prediction
from creativefilter.creatives.segments.directory import Directory
from creativefilter.sheets.write import ColumnType, Sheet, write
from creativefilter.site.codes import sentence
from creativefilter.site.commands import (
    BaseCommand,
    UsageError,
    existing_path,
    output_file,
    progress_bar,
)
from creativefilter.site.sentences import sentence_of

COLUMNS = {
    "Segment_num": ColumnType.COUNT, "probability": ColumnType.NUMBER, "seconds": ColumnType.NUMBER,
}  # fmt: skip


class Command(BaseCommand):
    help = gettext_lazy(
        "Classifies creatives: one row per file. Folders are searched for media files."
    )
    requires_system_checks: list[str] = []
    done = total = 0

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=existing_path, metavar="PATH")
        parser.add_argument("--json", action="store_true", help=_("one JSON object per line"))
        parser.add_argument(
            "--out",
            type=output_file(".csv", ".xlsx"),
            help=_("write a table: .csv or .xlsx"),
        )

    def handle(
        self, *args: Any, paths: list[Path], json: bool, out: Path | None, **options: Any
    ) -> None:
        files = files_of(paths)
        if not files:
            raise UsageError(_("There are no media files in %s.") % ", ".join(map(str, paths)))
        self.total = len(files)
        rows: list[dict[str, Any]] = []
        pipeline, directory = self._pipeline(), Directory.read_or_shipped()
        try:
            with (
                progress_bar(len(files), unit="file") as bar,
                closing(pipeline.classify(files)) as decisions,
            ):
                for decision in decisions:
                    row = row_of(decision, directory)
                    rows.append(row)
                    self.done += 1
                    self.stdout.write(as_json(row) if json else as_line(decision, row))
                    bar.update()
        finally:
            # Also after an error or an interrupt: the rows done so far are written.
            if out and rows:
                write_table(rows, out)
        if failed := sum(row["error"] is not None for row in rows):
            text = ngettext(
                "%(failed)d of %(all)d file could not be classified.",
                "%(failed)d of %(all)d files could not be classified.",
                len(rows),
            )
            self.part_failed(text % {"failed": failed, "all": len(rows)})

    def done_so_far(self) -> str:
        counts = {"done": self.done, "all": self.total}
        return _("Files classified: %(done)d of %(all)d.") % counts

    def _pipeline(self) -> Pipeline:
        """Load the models, with all CPU cores for this one process."""
        from classifier.errors import ScreenUnavailable
        from classifier.speech.recognition import load_transcriber

        transcriber = load_transcriber(
            engine=settings.WHISPER_ENGINE,
            model=settings.WHISPER_MODEL,
            weights_folder=settings.WEIGHTS_FOLDER,
            language=settings.WHISPER_LANGUAGE or None,
            beam_size=settings.WHISPER_BEAM_SIZE,
            threads=settings.CPUS,
        )
        bundle = engines.bundle_without_worker()
        try:
            reader = engines.screen_reader()
        except ScreenUnavailable as error:
            self.stderr.write(sentence_of(error))
            reader = None
        return Pipeline(
            transcriber, bundle, reader, engines.picture_encoder() if bundle.encoder else None
        )


def write_table(rows: list[dict[str, Any]], out: Path) -> None:
    columns = [(name, COLUMNS.get(name, ColumnType.TEXT)) for name in rows[0]]
    write(Sheet(columns, [list(row.values()) for row in rows]), out)


def files_of(paths: list[Path]) -> list[Path]:
    """Return the named files, and the media files below the named folders."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if is_media(p.name))
            files += [p for p in inside if p.is_file()]
        else:
            files.append(path)
    return files


def row_of(decision: Decision, directory: Directory) -> dict[str, Any]:
    """Return a decision as a row of the table, with the error in the reader's language.

    Raises:
        UnknownSegmentError: The model predicts a segment that this installation does not have.
    """
    found = decision.prediction
    segment = directory.counted(found.segment) if found and found.segment is not None else None
    return {
        "file": str(decision.path),
        "Advertisement ID": advertisement_id_of(decision.path.name),
        "Segment_num": segment.number if segment else None,
        "Segment": segment.name if segment else None,
        "probability": round(found.probability, 4) if found and found.probability else None,
        "decision": found.decision if found else None,
        "seconds": round(decision.seconds, 2) if decision.seconds is not None else None,
        "transcript": decision.transcript,
        "screen": decision.screen,
        "reason": str(Prediction.Reason.NO_SPEECH) if found and segment is None else None,
        "error": sentence(decision.error) if decision.error else None,
    }


def as_json(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False)


def as_line(decision: Decision, row: dict[str, Any]) -> str:
    name = f"{decision.path.name:20}"
    if row["error"] or row["reason"]:
        return f"{name} — {row['error'] or sentence(row['reason'])}"
    seconds = _("%s s") % f"{row['seconds']:6.1f}"
    doubt = "" if row["decision"] == Prediction.Decision.AUTO else f"[{_('needs a person')}] "
    words = row["transcript"] or row["screen"].replace("\n", " / ")
    return (
        f"{name} {row['Segment_num']:>2} · {row['Segment']:27} {row['probability']:4.0%} "
        f"{seconds}  {doubt}{words[:70]}"
    )

"""Classifies files and folders, without web or broker."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from classifier.pipeline import Decision, Pipeline
from classifier.segments import by_number
from creativefilter.creatives.analysis import engines
from creativefilter.creatives.intake.file_names import advertisement_id_of, is_media
from creativefilter.creatives.models import Prediction
from creativefilter.site.codes import sentence


class Command(BaseCommand):
    help = "Classifies creatives: one row per file. Folders are searched for media files."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument("--json", action="store_true", help="one JSON object per line")
        parser.add_argument("--out", type=Path, help="write a table: .csv or .xlsx")

    def handle(
        self, *args: Any, paths: list[Path], json: bool, out: Path | None, **options: Any
    ) -> None:
        files = files_of(paths)
        if not files:
            raise CommandError(_("There are no media files."))
        rows = []
        for decision in self._decisions(files):
            row = row_of(decision)
            rows.append(row)
            self.stdout.write(as_json(row) if json else as_line(decision, row))
        if out:
            self._write(rows, out)
        if all(row["error"] for row in rows):
            sys.exit(1)

    def _decisions(self, files: list[Path]) -> Any:
        from tqdm import tqdm

        pipeline = self._pipeline()
        # On standard error, so that the rows can be piped; silent where nobody looks.
        return tqdm(
            pipeline.classify(files), total=len(files), file=sys.stderr, disable=None, unit="file"
        )

    def _pipeline(self) -> Pipeline:
        """All that the model needs, with every core for the one process that runs."""
        from classifier.artefact import ArtefactError
        from classifier.errors import ScreenUnavailable, WeightsError
        from classifier.speech.recognition import load_transcriber

        try:
            transcriber = load_transcriber(
                engine=settings.WHISPER_ENGINE,
                model=settings.WHISPER_MODEL,
                weights_folder=settings.WEIGHTS_FOLDER,
                language=settings.WHISPER_LANGUAGE or None,
                beam_size=settings.WHISPER_BEAM_SIZE,
                threads=settings.CPUS,
            )
            bundle = engines.bundle_without_worker()
        except WeightsError as error:
            raise CommandError(sentence(error.code, error.facts)) from error
        except ArtefactError as error:
            raise CommandError(str(error)) from error
        try:
            reader = engines.screen_reader()
        except ScreenUnavailable as error:
            self.stderr.write(sentence(error.code, error.facts))
            reader = None
        return Pipeline(
            transcriber, bundle, reader, engines.picture_encoder() if bundle.encoder else None
        )

    def _write(self, rows: list[dict[str, Any]], out: Path) -> None:
        import pandas as pd

        from creativefilter.creatives.cells import harmless
        from creativefilter.creatives.tables import TableError, write_table

        table = pd.DataFrame(rows).map(harmless)
        table["Segment_num"] = table["Segment_num"].astype("Int64")
        try:
            write_table(table, out)
        except TableError as error:
            raise CommandError(str(error)) from error


def files_of(paths: list[Path]) -> list[Path]:
    """The files that were named, and the media files in the folders that were."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if is_media(p.name))
            files += [p for p in inside if p.is_file()]
        else:
            files.append(path)
    return files


def row_of(decision: Decision) -> dict[str, Any]:
    """A decision as a row, numbers as numbers, the error in the reader's language."""
    said = decision.prediction
    segment = by_number(said.segment) if said and said.segment is not None else None
    return {
        "file": str(decision.path),
        "Advertisement ID": advertisement_id_of(decision.path.name),
        "Segment_num": segment.number if segment else None,
        "Segment": segment.name if segment else None,
        "probability": round(said.probability, 4) if said and said.probability else None,
        "decision": said.decision if said else None,
        "seconds": round(decision.seconds, 2) if decision.seconds is not None else None,
        "transcript": decision.transcript,
        "screen": decision.screen,
        "reason": str(Prediction.Reason.NO_SPEECH) if said and segment is None else None,
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

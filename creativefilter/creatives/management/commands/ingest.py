"""Takes in a folder of creatives. A second run skips what is in; a killed one loses nothing."""

from __future__ import annotations

import queue
import sys
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.utils.translation import gettext as _

from creativefilter.creatives.intake import id_tables
from creativefilter.creatives.intake.file_names import is_media
from creativefilter.creatives.intake.many_files import Tally, take_path

# More only wait for one another: for the disk, and for SQLite's one writer.
THREADS = 4


class Command(BaseCommand):
    help = (
        "Takes in every media file of a folder and queues it for analysis. It can be started "
        "again at any time: what is in already is skipped. The files stay where they are."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument(
            "--ids",
            type=Path,
            metavar="TABLE",
            help="Advertisement IDs of files whose names are no numbers: .csv or .xlsx with the "
            "columns file and Advertisement ID",
        )

    def handle(self, *args: Any, folder: Path, ids: Path | None, **options: Any) -> None:
        if not folder.is_dir():
            raise CommandError(_("There is no folder %s.") % folder)
        files, others = files_in(folder)
        if not files:
            raise CommandError(_("There are no media files in %s.") % folder)
        ingestion = Ingestion(files, self._ids(ids))
        ingestion.run()
        for refusal in ingestion.tally.refusals:
            self.stderr.write(f"{refusal.file}: {refusal.message}")
        self.stdout.write(_("New: %d.") % ingestion.tally.new)
        self.stdout.write(_("Already in: %d.") % ingestion.tally.known)
        self.stdout.write(_("Refused: %d.") % ingestion.tally.refused)
        if others:
            self.stdout.write(_("Files that are no creatives by their names: %d.") % others)
        if ingestion.unpublished:
            self.stdout.write(
                _("The queue was not reached; the running application takes them up by itself.")
            )
        if ingestion.tally.refused == len(files):
            sys.exit(1)

    def _ids(self, table: Path | None) -> dict[str, str]:
        if table is None:
            return {}
        from creativefilter.creatives.tables import TableError

        try:
            return id_tables.read(table)
        except TableError as error:
            raise CommandError(str(error)) from error


def files_in(folder: Path) -> tuple[list[Path], int]:
    """The media files below a folder, in order; and how many other files there are."""
    every = sorted(path for path in folder.rglob("*") if path.is_file())
    files = [path for path in every if is_media(path.name)]
    return files, len(every) - len(files)


class Ingestion:
    """Threads that take the files in; each file is committed by itself."""

    def __init__(self, files: list[Path], ids: dict[str, str]) -> None:
        self.total = len(files)
        self.ids = ids
        self.tally = Tally()
        # Whether the broker did not take the message of a job.
        self.unpublished = False
        self._waiting: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for file in files:
            self._waiting.put(file)
        self._one = threading.Lock()
        self._failure: BaseException | None = None

    def run(self) -> None:
        """Raises what a thread raised."""
        from tqdm import tqdm

        # On standard error; silent where nobody looks.
        with tqdm(total=self.total, file=sys.stderr, disable=None, unit="file") as bar:
            threads = [threading.Thread(target=self._work, args=[bar]) for _ in range(THREADS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        if self._failure:
            raise self._failure

    def _work(self, bar: Any) -> None:
        try:
            while self._failure is None:
                file = self._waiting.get_nowait()
                tally = Tally()
                taken = take_path(file, tally, owner=None, ids=self.ids)
                with self._one:
                    self.tally.add(tally)
                    if taken and taken.job and not taken.job.published_at:
                        self.unpublished = True
                    bar.update()
        except queue.Empty:
            return
        except BaseException as error:
            self._failure = error
        finally:
            connections.close_all()

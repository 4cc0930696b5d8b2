"""Command that takes in a folder of creatives; a repeated run skips known files."""

from __future__ import annotations

import queue
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.db import connections
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from creativefilter.celery import has_broker
from creativefilter.creatives.intake import id_tables
from creativefilter.creatives.intake.file_names import is_media
from creativefilter.creatives.intake.many_files import Tally, take_path
from creativefilter.site.commands import (
    BaseCommand,
    UsageError,
    existing_file,
    existing_folder,
    progress_bar,
)

# More threads would wait for the disk, and for SQLite's single writer.
THREADS = 4


class Command(BaseCommand):
    help = gettext_lazy(
        "Adds every media file of a folder and queues it for analysis. It can be started again at "
        "any time: files that are stored already are skipped. The files stay where they are."
    )
    ingestion: Ingestion | None = None

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=existing_folder)
        parser.add_argument(
            "--ids",
            type=existing_file,
            metavar="TABLE",
            help=_(
                "Advertisement IDs of files whose names are no numbers: a table with the columns "
                "file and Advertisement ID; .csv, .xlsx, .xls, .ods …"
            ),
        )

    def handle(self, *args: Any, folder: Path, ids: Path | None, **options: Any) -> None:
        files, others = files_in(folder)
        if not files:
            raise UsageError(_("There are no media files in %s.") % folder)
        self.ingestion = Ingestion(files, self._ids(ids) if ids else {})
        tally = self.ingestion.tally
        try:
            self.ingestion.run()
        except Exception:
            self.stdout.write(" ".join(counts_of(tally)))
            raise
        for refusal in tally.refusals:
            self.stderr.write(f"{refusal.file}: {refusal.message}")
        for line in counts_of(tally):
            self.stdout.write(line)
        if others:
            self.stdout.write(_("Files that are not creatives, by their names: %d.") % others)
        if self.ingestion.unpublished and has_broker():
            self.stdout.write(
                _(
                    "The queue could not be reached; the running application will queue them by "
                    "itself."
                )
            )
        if tally.refused:
            text = ngettext("%d file was refused.", "%d files were refused.", tally.refused)
            self.part_failed(text % tally.refused)

    def _ids(self, table: Path) -> dict[str, str]:
        read = id_tables.read(table)
        for finding in read.findings:
            self.stdout.write(str(finding))
        return read.ids

    def done_so_far(self) -> str:
        tally = self.ingestion.tally if self.ingestion else Tally()
        return " ".join([*counts_of(tally), super().done_so_far()])


def counts_of(tally: Tally) -> list[str]:
    return [
        _("New: %d.") % tally.new,
        _("Already stored: %d.") % tally.known,
        _("Refused: %d.") % tally.refused,
    ]


def files_in(folder: Path) -> tuple[list[Path], int]:
    """Return the media files below a folder, sorted, and the number of other files."""
    every = sorted(path for path in folder.rglob("*") if path.is_file())
    files = [path for path in every if is_media(path.name)]
    return files, len(every) - len(files)


class Ingestion:
    """Threads that take files in; each file is a transaction of its own."""

    def __init__(self, files: list[Path], ids: dict[str, str]) -> None:
        self.total = len(files)
        self.ids = ids
        self.tally = Tally()
        # Whether the message of some job could not be published.
        self.unpublished = False
        self._waiting: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for file in files:
            self._waiting.put(file)
        self._one = threading.Lock()
        self._failure: BaseException | None = None
        self._language = translation.get_language()

    def run(self) -> None:
        """Take in all files. An interrupt or an error ends it after the files in progress."""
        with progress_bar(self.total, unit="file") as bar:
            # Not ``join`` alone: in Python 3.11 an interrupt of it marks a running thread as ended.
            ended = [threading.Event() for _ in range(THREADS)]
            threads = [threading.Thread(target=self._work, args=[bar, each]) for each in ended]
            try:
                for thread in threads:
                    thread.start()
                for each in ended:
                    each.wait()
            except KeyboardInterrupt as interrupt:
                self._failure = interrupt
                for thread, each in zip(threads, ended, strict=True):
                    # The interrupt may arrive before all threads have started.
                    if thread.ident is not None:
                        each.wait()
                        thread.join()
        if self._failure:
            raise self._failure

    def _work(self, bar: Any, ended: threading.Event) -> None:
        try:
            # The active language is local to a thread.
            with translation.override(self._language):
                while self._failure is None:
                    self._take(self._waiting.get_nowait(), bar)
        except queue.Empty:
            return
        except BaseException as error:
            self._failure = error
        finally:
            connections.close_all()
            ended.set()

    def _take(self, file: Path, bar: Any) -> None:
        tally = Tally()
        taken = take_path(file, tally, owner=None, ids=self.ids)
        with self._one:
            self.tally.add(tally)
            if taken and taken.job and not taken.job.published_at:
                self.unpublished = True
            bar.update()

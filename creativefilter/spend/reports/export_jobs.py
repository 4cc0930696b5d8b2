"""The job that writes a large export; its page shows the progress and then offers the file."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.utils.translation import get_language, gettext_noop, override

from creativefilter.jobs import lifecycle
from creativefilter.jobs.kinds import Kind, Save, Stage, register
from creativefilter.jobs.models import Job
from creativefilter.jobs.progress import Progress
from creativefilter.sheets.write import Form, Sheet, csv_chunks, write_xlsx
from creativefilter.spend.reports.creatives_of_figure import CreativesOfFigure
from creativefilter.spend.reports.exports import predicted
from creativefilter.spend.reports.filters import Filters

# Exports of more rows from the page are written by a job; those from the API always are.
AT_ONCE = 50_000
KEPT_SECONDS = 7 * 24 * 3600


def start(filters: Filters, form: Form, owner: User | None) -> Job:
    """Create a job that writes the table of ``predicted`` in the current language.

    Args:
        filters: The spend to export.
        form: Format of the file.
        owner: The user who may download the file.

    Raises:
        QuotaExceeded: The owner has too many open jobs.
    """
    params = {"query": filters.query(), "form": form, "language": get_language() or "ru"}
    return lifecycle.create(SPEND_EXPORT, params, owner, Job.Urgency.LONG)


def file_of(job: Job) -> Path:
    """Return the path of the file that the job writes.

    Each export job first removes the files that are older than ``KEPT_SECONDS``.
    """
    return settings.DATA_DIR / "exports" / f"{job.pk}{Form(job.params['form']).suffix}"


def run(job: Job) -> Save:
    """Write the table to a temporary file; the returned function renames it.

    Raises:
        JobError: ``spend_export_stopped``, if the job was cancelled.
    """
    filters, form = Filters.of_text(job.params["query"]), Form(job.params["form"])
    target = file_of(job)
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_old(target.parent)
    _remove(target)
    aside = target.with_name(f"{target.name}.{job.attempts}.partial")
    try:
        with override(job.params["language"]), aside.open("wb") as file:
            sheet = predicted(filters)
            total = max(1, CreativesOfFigure(filters).count())
            counted = _Counted(sheet.rows, total, Progress(job, "spend_export_stopped"))
            sheet = Sheet(sheet.columns, counted)
            if form is Form.XLSX:
                write_xlsx(sheet, file)
            else:
                for chunk in csv_chunks(sheet, excel=form is Form.EXCEL_CSV):
                    file.write(chunk)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise

    def save() -> dict[str, Any]:
        if aside.exists():  # already renamed if ``save`` is called again
            aside.replace(target)
        return {"rows": counted.done, "bytes": target.stat().st_size}

    return save


@dataclass(slots=True)
class _Counted:
    """Rows of a table; iterating counts them and reports the progress."""

    rows: Iterable[Sequence[Any]]
    total: int
    progress: Progress
    done: int = 0

    def __iter__(self) -> Iterator[Sequence[Any]]:
        for row in self.rows:
            yield row
            self.done += 1
            self.progress.update(min(1.0, self.done / self.total))


def _remove(target: Path) -> None:
    target.unlink(missing_ok=True)
    for lost in target.parent.glob(f"{target.name}.*.partial"):  # left by a process that was killed
        lost.unlink(missing_ok=True)


def _remove_old(folder: Path) -> None:
    oldest = time.time() - KEPT_SECONDS
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # renamed or removed by another export
            if path.stat().st_mtime < oldest:
                path.unlink()


SPEND_EXPORT = register(
    Kind(
        gettext_noop("spend_export"),
        (Stage(gettext_noop("writing"), "cpu", run),),
        lambda job: None,
        remove_files=lambda job: _remove(file_of(job)),
    )
)

"""Large exports, written in the background: a person sees how far they are, then takes the file."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
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

# Above so many rows nobody has to wait in front of the browser.
AT_ONCE = 50_000
KEPT_SECONDS = 7 * 24 * 3600


def start(filters: Filters, form: Form, owner: User | None) -> Job:
    """A job that writes ``predicted`` in the language of who asks for it."""
    params = {"query": filters.query(), "form": form, "language": get_language() or "ru"}
    return lifecycle.create(SPEND_EXPORT, params, owner, Job.Urgency.LONG)


def file_of(job: Job) -> Path:
    """Where the file of a job that is done lies, until it is a week old."""
    return settings.DATA_DIR / "exports" / f"{job.pk}{Form(job.params['form']).suffix}"


def run(job: Job) -> Save:
    """Writes the table aside; it gets its name when the claim still holds."""
    filters, form = Filters.of_text(job.params["query"]), Form(job.params["form"])
    target = file_of(job)
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_old(target.parent)
    for lost in target.parent.glob(f"{target.name}.*.partial"):  # of a process that was killed
        lost.unlink(missing_ok=True)
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
        if aside.exists():  # not when it is saved once more
            aside.replace(target)
        return {"rows": counted.done, "bytes": target.stat().st_size}

    return save


@dataclass(slots=True)
class _Counted:
    """Rows of a table, counted as they pass."""

    rows: Iterable[Sequence[Any]]
    total: int
    progress: Progress
    done: int = 0

    def __iter__(self) -> Iterator[Sequence[Any]]:
        for row in self.rows:
            yield row
            self.done += 1
            self.progress.update(min(1.0, self.done / self.total))


def _remove_old(folder: Path) -> None:
    oldest = time.time() - KEPT_SECONDS
    for path in folder.iterdir():
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)


SPEND_EXPORT = register(
    Kind(
        gettext_noop("spend_export"),
        (Stage(gettext_noop("writing"), "cpu", run),),
        lambda job: None,
        forget=lambda job: file_of(job).unlink(missing_ok=True),
    )
)

"""Large exports, written in the background: a person sees how far they are, then takes the file."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.http import QueryDict
from django.utils.translation import get_language, gettext_noop, override

from creativefilter.jobs import lifecycle
from creativefilter.jobs.kinds import JobError, Kind, Save, Stage, register
from creativefilter.jobs.models import Job
from creativefilter.spend.reports.creatives import Behind
from creativefilter.spend.reports.exports import Form, Sheet, csv_chunks, predicted, write_xlsx
from creativefilter.spend.reports.filters import Filters

# Above so many rows nobody has to wait in front of the browser.
AT_ONCE = 50_000
KEPT_SECONDS = 7 * 24 * 3600
# Seconds between two looks at the job's row.
LOOK_EVERY = 0.5


def start(filters: Filters, form: Form, owner: User | None) -> Job:
    """A job that writes ``predicted`` in the language of who asks for it."""
    params = {"query": filters.query(), "form": form, "language": get_language() or "ru"}
    return lifecycle.create(SPEND_EXPORT, params, owner)


def file_of(job: Job) -> Path:
    """Where the file of a job that is done lies, until it is a week old."""
    return settings.DATA_DIR / "exports" / f"{job.pk}{Form(job.params['form']).suffix}"


def run(job: Job) -> Save:
    """Writes the table aside; it gets its name when the claim still holds."""
    filters, form = Filters.of(QueryDict(job.params["query"])), Form(job.params["form"])
    target = file_of(job)
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_old(target.parent)
    aside = target.with_name(f"{target.name}.{job.attempts}.partial")
    try:
        with override(job.params["language"]), aside.open("wb") as file:
            sheet = predicted(filters)
            watch = _Watch(job, Behind(filters).count())
            sheet = Sheet(sheet.columns, watch.watched(sheet.rows))
            if form is Form.XLSX:
                write_xlsx(sheet, file)
            else:
                for chunk in csv_chunks(sheet, excel=form is Form.EXCEL_CSV):
                    file.write(chunk)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise

    def save() -> dict[str, Any]:
        aside.replace(target)
        return {"rows": watch.done, "bytes": target.stat().st_size}

    return save


class _Watch:
    """Counts rows, shows on the job's row how far it is, and stops where nobody wants them."""

    def __init__(self, job: Job, rows: int) -> None:
        self.job = job
        self.rows = max(1, rows)
        self.done = 0

    def watched(self, rows: Any) -> Iterator[Sequence[Any]]:
        looked = time.monotonic()
        for row in rows:
            yield row
            self.done += 1
            if (now := time.monotonic()) - looked >= LOOK_EVERY:
                looked = now
                percent = min(99, 100 * self.done // self.rows)
                if not lifecycle.progressed(self.job, percent):
                    raise JobError("spend_export_stopped")


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

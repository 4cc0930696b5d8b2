"""Checks after a run: nothing is lost, duplicated or stuck, and faults explain all failures.

The harness reads the database and the data folder directly, without the site.
"""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Sum
from django.utils import timezone

from creativefilter.accounts.models import AuditEntry
from creativefilter.creatives.models import (
    Creative,
    Label,
    MediaVersion,
    ModelVersion,
    Prediction,
    ScreenReading,
    Transcript,
)
from creativefilter.jobs.models import Job
from creativefilter.site.codes import sentence
from creativefilter.spend.models import SpendImport, SpendRow
from creativefilter.spend.totals import checks as spend_checks
from creativefilter.spend.totals import segment_changes
from tests.long.chaos import faults
from tests.long.chaos.material import TRANSCRIPTS, Material
from tests.long.chaos.site import Site

# How long after the end of a fault a job may start and still fail because of it.
AFTERMATH = timedelta(seconds=120)
# Times that are longer than this before the first fault were written by a clock that was behind.
BEFORE_FAULTS = timedelta(minutes=20)
CLOCK_FAULT = timedelta(seconds=faults.AN_HOUR)


def reasons(harm: list[tuple[datetime, datetime, tuple[str, ...]]]) -> list[str]:
    """Return sentences about failed jobs whose error code no fault during their run explains.

    Args:
        harm: For each fault its start, its end and the error codes that it explains.
    """
    found = []
    earliest = min((begin for begin, _end, _codes in harm), default=timezone.now()) - BEFORE_FAULTS
    for job in Job.objects.filter(state=Job.State.FAILED):
        started = _without_clock_fault(job.started_at or job.created_at, earliest)
        ended = _without_clock_fault(job.finished_at or job.created_at, earliest)
        expected_codes = {
            code
            for begin, end, codes in harm
            if begin <= ended and started <= end + AFTERMATH
            for code in codes
        }
        if job.error_code not in expected_codes:
            found.append(
                f"{job.kind} {job.pk} failed as {job.error_code}: {job.error_detail[-300:]}"
            )
        if not sentence(job.error_code):
            found.append(f"{job.error_code} has no sentence")
    return found


def _without_clock_fault(written: datetime, earliest: datetime) -> datetime:
    """Return the real time of a time that a process with a wrong clock may have written."""
    if written < earliest:
        return written + CLOCK_FAULT
    return written - CLOCK_FAULT if written > timezone.now() else written


def stuck() -> list[str]:
    """Return a sentence for each job that has not ended."""
    return [
        f"{job.kind} {job.pk} is {job.state} at {job.stage}, attempt {job.attempts}: "
        f"{job.error_detail[-200:]}"
        for job in Job.objects.exclude(state__in=Job.FINAL)
    ]


def check(site: Site, material: Material) -> list[str]:
    """Return a sentence for each problem."""
    found: list[str] = []
    for check_part in (_lost, _twice, _money, _labels, _training, _audit):
        found += check_part(material)
    found += _doctor(site)
    return found


def _lost(material: Material) -> Iterator[str]:
    ids_found = set(Creative.objects.values_list("advertisement_id", flat=True))
    if lost := set(material.ids) - ids_found:
        yield f"lost creatives: {sorted(lost)}"
    if surplus := len(ids_found) - len(material.ids) - TRANSCRIPTS:
        yield f"the number of creatives differs from the material by {surplus:+}"
    for creative in Creative.objects.exclude(state=Creative.State.DONE):
        yield f"creative {creative} is {creative.state} {creative.error_code}"
    for media in MediaVersion.objects.exclude(file=""):
        if not media.file.storage.exists(media.file.name):
            yield f"the file of {media} is gone"
    for missing in MediaVersion.objects.filter(predictions=None):
        yield f"{missing} has no prediction"


def _twice(material: Material) -> Iterator[str]:
    for creative in Creative.objects.annotate(n=Count("media")).exclude(n=1):
        yield f"creative {creative} has {creative.n} media versions"
    by_media: tuple[tuple[str, Callable[[], Counter[int]]], ...] = (
        ("transcripts", lambda: Counter(Transcript.objects.values_list("media", flat=True))),
        ("readings", lambda: Counter(ScreenReading.objects.values_list("media", flat=True))),
        ("predictions", lambda: Counter(Prediction.objects.values_list("media", flat=True))),
    )
    for what, counted in by_media:
        for media, count in counted().items():
            if count != 1:
                yield f"media version {media} has {count} {what}"


def _money(material: Material) -> Iterator[str]:
    amount = SpendRow.objects.aggregate(sum=Sum("amount"))["sum"] or Decimal(0)
    rows = SpendRow.objects.count()
    if (rows, amount) != (material.spend_rows, material.spend_amount):
        expected = f"{material.spend_rows} rows, {material.spend_amount} RUB"
        yield f"spend: {rows} rows, {amount} RUB instead of {expected}"
    states = Counter(SpendImport.objects.values_list("state", flat=True))
    if states != {"imported": 1}:
        yield f"imports of spend: {dict(states)}"
    segment_changes.catch_up()
    sums = spend_checks.check()
    if not sums.agrees:
        yield f"sums of spend: {sums}"


def _labels(material: Material) -> Iterator[str]:
    """Each creative that was not in the archive, and each imported transcript, has one label."""
    wanted = len(material.creatives) - material.archived + TRANSCRIPTS
    if (count := Label.objects.count()) != wanted:
        yield f"{count} labels instead of {wanted}"


def _training(material: Material) -> Iterator[str]:
    if (count := ModelVersion.objects.count()) != 2:
        yield f"{count} model versions instead of 2"


def _audit(material: Material) -> Iterator[str]:
    """The audit log has one entry for each action of the run.

    A command that was killed after its commit is run again: the entry of that import says that it
    added nothing.
    """
    action = AuditEntry.Action
    wanted = {action.SPEND_IMPORTED: 1, action.LABELS_SET: 2, action.LABELS_IMPORTED: 1}
    for each, times in wanted.items():
        entries = AuditEntry.objects.filter(action=each)
        count = sum(entry.details.get("added") != 0 for entry in entries)
        if count != times:
            yield f"audit log: {each} {count} times instead of {times}"


def _doctor(site: Site) -> list[str]:
    """Return the findings of ``manage.py doctor``, run in the application's environment."""
    done = subprocess.run(
        [str(word) for word in site.command("doctor")],
        env=site.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return [f"doctor: {done.stdout.strip()}"] if done.returncode else []

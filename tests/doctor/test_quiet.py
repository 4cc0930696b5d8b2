"""Jobs that run or wait, and changes during the check, are no findings."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connections
from django.utils import timezone

from creativefilter.creatives import model_versions
from creativefilter.creatives.analysis import working_copies
from creativefilter.creatives.intake import archive_jobs, orphans
from creativefilter.creatives.models import Creative, Label, ModelVersion
from creativefilter.jobs import doctor as jobs_doctor
from creativefilter.jobs import leases
from creativefilter.jobs.models import Job
from creativefilter.site.folder import Folder
from creativefilter.spend.totals import checks
from tests.creatives.analysing import stored_files, take_in
from tests.creatives.test_archives import packed
from tests.doctor.examining import aged, codes
from tests.spend.spend_files import imported, table

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("installation")]


def test_the_file_of_an_upload_in_progress_is_no_finding() -> None:
    default_storage.save("creatives/ab/1.wav", ContentFile(b"x"))
    working_copies.folder(7).mkdir(parents=True)
    assert codes() == []


def test_waiting_archives_and_quarantined_files_are_no_finding(folders: Path) -> None:
    archive_jobs.start(ContentFile(packed(("1.wav", b"a"))), "a.zip", None, {})
    default_storage.save("quarantine/2026-01-01/creatives/ab/1.wav", ContentFile(b"x"))
    for path in stored_files(folders):
        aged(path)
    assert codes() == []


def test_jobs_that_wait_for_long_are_no_finding() -> None:
    for number in range(3):
        take_in(b"%d" % number, f"{number}.wav")
    Job.objects.update(created_at=timezone.now() - timedelta(days=1))
    assert codes() == []


def test_a_claim_with_a_valid_lease_is_no_finding() -> None:
    job = take_in(b"known", "1.wav").job
    Job.objects.filter(pk=job.pk).update(
        state=Job.State.RUNNING, worker="w", lease_until=timezone.now() + timedelta(seconds=1)
    )
    assert codes() == []


def test_a_claim_that_is_renewed_after_an_outage_is_no_finding() -> None:
    job = take_in(b"known", "1.wav").job
    long_ago = timezone.now() - timedelta(minutes=4)
    claim = Job.objects.filter(pk=job.pk)
    claim.update(
        state=Job.State.RUNNING, worker="w", lease_until=long_ago, stage_started_at=long_ago
    )
    with leases.renewed(claim):
        assert jobs_doctor.stuck() == []
    claim.update(lease_until=long_ago)
    assert jobs_doctor.stuck() == [job]


def test_labels_and_creatives_not_yet_in_the_totals_are_no_finding(tmp_path: Path) -> None:
    imported(table(tmp_path, "100,A,B,TV,1.1,2021,3", "200,A,B,TV,2.2,2021,3"))
    Creative.objects.bulk_create(
        [Creative(advertisement_id="100", name="100", state=Creative.State.DONE)]
    )
    Label.objects.create(creative=Creative.objects.get(), segment_id=10)
    assert codes() == []


def test_a_version_activated_a_moment_ago_is_no_finding(tmp_path: Path) -> None:
    imported(table(tmp_path, "100,A,B,TV,1.1,2021,3"))
    starter = ModelVersion.objects.get(is_active=True)
    other = ModelVersion.objects.create(name="x", digest="1" * 64, folder=starter.folder)
    model_versions.activate(other)
    model_versions.activate(starter)
    assert codes() == []


@contextmanager
def meanwhile(work: Callable[[int], object]) -> Iterator[None]:
    """Call ``work`` repeatedly in another thread until the block ends; fail if it raises."""
    ended, failures = threading.Event(), []

    def run() -> None:
        number = 0
        try:
            while not ended.is_set():
                number += 1
                work(number)
        except Exception as error:
            failures.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    assert failures == []


def test_files_added_and_removed_meanwhile_are_no_finding() -> None:
    def come_and_go(number: int) -> None:
        received = take_in(b"%d" % number, f"{number}.wav")
        if number % 2:
            received.creative.delete()

    with meanwhile(come_and_go):
        for _look in range(15):
            found = orphans.compare()
            assert (found.orphans.files, found.lost) == ([], [])


def test_a_creative_deleted_while_files_are_listed_is_no_finding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    creative = take_in(b"known", "1.wav").creative
    walk = Folder.walk

    def delete_first(self: Folder, folder: str) -> Iterator[tuple[str, float]]:
        Creative.objects.filter(pk=creative.pk).delete()
        return walk(self, folder)

    monkeypatch.setattr(Folder, "walk", delete_first)
    assert orphans.compare().lost == []


def test_labels_set_during_the_check_are_no_finding(tmp_path: Path) -> None:
    ids = [str(number) for number in range(100, 130)]
    imported(table(tmp_path, *(f"{one},A,B,TV,1.1,2021,3" for one in ids)))
    creatives = [Creative.objects.create(advertisement_id=one, name=one) for one in ids]

    def label(number: int) -> None:
        creative = creatives[number % len(creatives)]
        Label.objects.create(creative=creative, segment_id=1 + number % 4)

    with meanwhile(label):
        for _look in range(15):
            found: Any = checks.check()
            assert found.agrees, found

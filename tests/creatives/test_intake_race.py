"""Concurrent uploads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

from creativefilter.creatives.intake.receiving import Received
from creativefilter.creatives.models import Creative, MediaVersion
from tests.creatives.analysing import stored_files, take_in

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 4


def at_once(upload: Callable[[int], Received]) -> list[Received]:
    """Run an upload in several threads at once; return the results, or raise their errors."""
    barrier = threading.Barrier(THREADS)
    received: list[Received] = []
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            barrier.wait(20)
            received.append(upload(number))
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if errors:
        raise errors[0]
    return received


def test_a_new_id_uploaded_several_times_at_once_is_one_creative(folders: Path) -> None:
    received = at_once(lambda number: take_in(b"the same bytes", "4297908.avi"))
    assert len({one.creative.pk for one in received}) == Creative.objects.count() == 1
    assert MediaVersion.objects.count() == len(stored_files(folders)) == 1
    assert sorted(one.known for one in received) == [False, True, True, True]


def test_new_bytes_for_a_known_id_at_once_are_one_version(folders: Path) -> None:
    take_in(b"old bytes", "4297908.avi")
    at_once(lambda number: take_in(b"new bytes", "4297908.avi"))
    assert Creative.objects.count() == 1
    assert MediaVersion.objects.count() == len(stored_files(folders)) == 2


def test_different_versions_at_once_are_all_kept(folders: Path) -> None:
    at_once(lambda number: take_in(b"%d" % number, "4297908.avi"))
    assert Creative.objects.count() == 1
    assert MediaVersion.objects.count() == len(stored_files(folders)) == THREADS


def test_nameless_bytes_at_once_are_one_creative(folders: Path) -> None:
    at_once(lambda number: take_in(b"the same bytes", "осень.avi"))
    assert Creative.objects.count() == MediaVersion.objects.count() == 1
    assert len(stored_files(folders)) == 1

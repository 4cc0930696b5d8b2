"""Uploads while the broker is not available, or whose transaction is rolled back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from creativefilter.jobs import recovery
from creativefilter.jobs.models import Job
from creativefilter.site.codes import CodedError
from tasks.publishing import publish_all
from tests.creatives.analysing import take_in

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_upload_is_accepted_and_queued_later(
    waiting: Callable[[str], int],
    broker_away: Callable[[], None],
    api: Any,
    form: Any,
    folders: Path,
) -> None:
    response = api.post("/api/v1/predict", form(b"bytes"))
    assert response.status_code == 202
    assert Job.objects.get().published_at is None
    broker_away()
    assert publish_all(recovery.sweep()) == 1
    assert waiting("cpu-interactive") == 1
    assert Job.objects.get().published_at is not None
    assert publish_all(recovery.sweep()) == 0


def test_an_upload_whose_transaction_is_rolled_back_is_never_queued(
    waiting: Callable[[str], int], folders: Path
) -> None:
    def upload_then_fail() -> None:
        with transaction.atomic():
            take_in(b"bytes", "1.avi")
            raise CodedError("empty")

    with pytest.raises(CodedError):
        upload_then_fail()
    assert waiting("cpu-interactive") == 0
    assert not Job.objects.exists()

"""Moves of a creative between all pairs of states, and which job may move it."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from creativefilter.creatives.analysis import stages, states
from creativefilter.creatives.models import Creative
from creativefilter.jobs import lifecycle, stage_runner
from tests.creatives.analysing import take_in

pytestmark = pytest.mark.django_db
State = Creative.State
# The allowed next states of each state. Written out, while ``states.MOVES`` is computed.
LEGAL = {
    "queued": "queued decoding speech screen pictures classifying done failed",
    "decoding": "queued decoding speech screen pictures classifying done failed",
    "speech": "queued speech screen pictures classifying done failed",
    "screen": "queued screen pictures classifying done failed",
    "pictures": "queued pictures classifying done failed",
    "classifying": "queued classifying done failed",
    "done": "queued",
    "failed": "queued",
}


def test_only_allowed_moves_change_a_creative() -> None:
    creative = Creative.objects.create(name="x")
    mine = Creative.objects.filter(pk=creative.pk)
    assert set(LEGAL) == set(State.values)
    for source, target in product(State, State):
        mine.update(state=source, error_code="before")
        legal = target in LEGAL[source].split()
        assert states.move(mine, target, "after") == legal, (source, target)
        creative.refresh_from_db()
        expected = (target, "after") if legal else (source, "before")
        assert (creative.state, creative.error_code) == expected


def test_a_late_stage_moves_no_creative_back(folders: Path) -> None:
    received = take_in(b"bytes", "1.avi")
    for state in (State.DONE, State.FAILED, State.SCREEN):
        Creative.objects.update(state=state)
        stages._enter(received.job, State.SPEECH)
        assert Creative.objects.get().state == state


def test_a_job_moves_no_creative_that_another_job_has(folders: Path) -> None:
    old = take_in(b"bytes", "1.avi").job
    new = take_in(b"other bytes", "1.avi").job
    stage_runner.run_stage(str(old.pk), old.stage, "w")
    old.refresh_from_db()
    creative = Creative.objects.get()
    assert old.state == "failed"
    assert (creative.job, creative.state, creative.error_code) == (new, State.QUEUED, "")
    assert lifecycle.retry(old)
    assert lifecycle.cancel(old)
    creative.refresh_from_db()
    assert (creative.job, creative.state) == (new, State.QUEUED)

"""Which demonstration creatives count as right, and what the terminal shows of them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.utils import translation

from creativefilter.creatives.models import Creative, Prediction, Segment
from creativefilter.embedded.console import DemonstrationReport, line_of
from creativefilter.embedded.demonstration import Outcome, Script

CARD = Segment(number=12, name="Кредитные карты", name_en="Credit cards")


def outcome(written_for: int | None, **prediction: Any) -> Outcome:
    """Return the outcome of a script; without keyword arguments there is no prediction."""
    stored = Prediction(probability=0.7, **prediction) if prediction else None
    return Outcome(Script("1.mp4", written_for, ""), Creative(error_code="damaged"), stored)


@pytest.mark.parametrize("decision", ["auto", "review"])
def test_outcome_with_the_segment_of_the_script_is_right(decision: str) -> None:
    assert outcome(12, segment=CARD, decision=decision).right
    assert not outcome(8, segment=CARD, decision=decision).right
    assert not outcome(12, segment=None, decision=decision).right


def test_script_without_a_segment_is_right_if_a_person_decides() -> None:
    assert outcome(None, segment=None, decision="review").right
    assert outcome(None, segment=CARD, decision="review").right
    assert not outcome(None, segment=CARD, decision="auto").right


def test_failed_creative_is_never_right() -> None:
    assert not outcome(12).right
    assert not outcome(None).right


def test_terminal_shows_lines_for_review_and_a_summary() -> None:
    outcomes = [
        outcome(12, segment=CARD, decision="auto"),
        outcome(8, segment=CARD, decision="review"),
        outcome(None, segment=CARD, decision="review"),
        outcome(None, segment=None, decision="review", reason="no_speech"),
        outcome(None, segment=CARD, decision="auto"),
        outcome(12),
    ]
    report = DemonstrationReport([], print)
    report.outcomes = outcomes
    with translation.override("en"):
        lines = [line_of(one) for one in outcomes]
        summary = report.summary()
    assert lines[0].endswith(" 70%  12 · Credit cards")
    assert lines[1].endswith(" 70%  12 · Credit cards  [needs a person]")
    assert "There is no speech" in lines[3]
    assert re.findall(r"\d+", summary) == ["6", "1", "3", "2", "3", "1"]

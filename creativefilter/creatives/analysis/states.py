"""Which way a creative may go: a table, and one conditional UPDATE that keeps to it.

A worker that comes late, with a stage that is over, finds the creative further on and moves
nothing. ``QUEUED`` is where each new job begins, so it can be reached from everywhere.
"""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from creativefilter.creatives.models import Creative

State = Creative.State
# The stages in order; one that another job has done may be left out, none comes again.
_STAGES = (
    State.QUEUED,
    State.DECODING,
    State.SPEECH,
    State.SCREEN,
    State.PICTURES,
    State.CLASSIFYING,
)
# A stage that is repeated after an accident, the next ones; and the ends: judged or not when its
# job is cancelled, failed at any time.
MOVES: dict[State, frozenset[State]] = {
    state: frozenset({*_STAGES[place:], State.QUEUED, State.DONE, State.FAILED})
    for place, state in enumerate(_STAGES)
}
# What has ended stays as it is until there is a new job.
MOVES[State.DONE] = MOVES[State.FAILED] = frozenset({State.QUEUED})


def move(creatives: QuerySet[Creative], state: State, error_code: str = "") -> int:
    """Moves those of these creatives that may go there; returns how many did."""
    sources = [source for source, targets in MOVES.items() if state in targets]
    change: dict[str, Any] = {"state": state, "error_code": error_code}
    return creatives.filter(state__in=sources).update(**change)

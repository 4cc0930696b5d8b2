"""State machine of a creative: the allowed moves, and a conditional UPDATE that enforces them.

A late worker, whose stage is over, finds the creative in a later state and changes nothing. A job
that is created or retried starts with ``QUEUED``, so this state can be reached from every other.
"""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from creativefilter.creatives.models import Creative

State = Creative.State
# The stages in order. Stages may be skipped; a job returns to an earlier one only by ``QUEUED``.
_STAGES = (
    State.QUEUED,
    State.DECODING,
    State.SPEECH,
    State.SCREEN,
    State.PICTURES,
    State.CLASSIFYING,
)
# From each stage: the same one (a repeated attempt), later ones, QUEUED, and both final states.
MOVES: dict[State, frozenset[State]] = {
    state: frozenset({*_STAGES[place:], State.QUEUED, State.DONE, State.FAILED})
    for place, state in enumerate(_STAGES)
}
# A final state lasts until a job is created or retried. (Imports of transcripts set DONE directly.)
MOVES[State.DONE] = MOVES[State.FAILED] = frozenset({State.QUEUED})


def move(creatives: QuerySet[Creative], state: State, error_code: str = "") -> int:
    """Change the state of the creatives for which ``MOVES`` allows it, in one UPDATE.

    Args:
        creatives: The creatives to change.
        state: Their new state.
        error_code: Their new error code; the default clears it.

    Returns:
        The number of creatives that were changed.
    """
    sources = [source for source, targets in MOVES.items() if state in targets]
    change: dict[str, Any] = {"state": state, "error_code": error_code}
    return creatives.filter(state__in=sources).update(**change)

"""Progress of a training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """The stages of a training, in order."""

    FAMILIES = "families"
    WORDS = "words"
    TUNING = "tuning"
    PICTURES = "pictures"
    STACK = "stack"
    WRITING = "writing"


# The share of the whole time at which each stage begins, of a training with all stages on one core.
_BEGINS = {
    Stage.FAMILIES: 0.0,
    Stage.WORDS: 0.2,
    Stage.TUNING: 0.5,
    Stage.PICTURES: 0.7,
    Stage.STACK: 0.8,
    Stage.WRITING: 0.95,
}
_ENDS = dict(zip(_BEGINS, [*list(_BEGINS.values())[1:], 1.0], strict=True))


@dataclass(frozen=True, slots=True)
class Step:
    """A finished step: the ``number``-th of ``count`` steps of its stage, counted from 1."""

    stage: Stage
    number: int = 1
    count: int = 1

    @property
    def share(self) -> float:
        """About the share of the whole training that is done, 0 to 1."""
        begin, end = _BEGINS[self.stage], _ENDS[self.stage]
        return begin + (end - begin) * self.number / self.count


Progress = Callable[[Step], None]

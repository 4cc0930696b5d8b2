"""What goes into a bundle and what comes out: features of a creative, a prediction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from classifier.decision.spot_shape import SpotShape
    from classifier.pictures.types import Neighbour
    from classifier.text.evidence import Evidence

Decision = Literal["auto", "review"]


@dataclass(frozen=True, slots=True)
class SpotFeatures:
    """What is known of one creative; whatever is absent is empty or None.

    ``speech``: ``Speech.text`` where somebody speaks. ``screen``: ``ScreenText.text``.
    ``vectors``: by `PictureEncoder.name`, float32 (dimension,). ``shape``: of the spot.
    """

    speech: str = ""
    screen: str = ""
    vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    shape: SpotShape | None = None
    advertiser: str = ""
    brand: str = ""
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class ChannelView:
    """What one channel says: ``name`` is one of ``CHANNELS``.

    ``evidence``: places in ``SpotFeatures.speech`` or ``.screen`` that spoke for the segment that
    the channel itself holds likeliest. ``neighbours``: the labelled creatives that look most alike.
    """

    name: str
    probabilities: dict[int, float]
    evidence: tuple[Evidence, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()


@dataclass(frozen=True, slots=True)
class Prediction:
    """Calibrated ``probabilities`` of every segment number; empty where no channel speaks.

    ``decision``: ``auto`` where the bundle's threshold is reached and nothing contradicts.
    ``conflict``: a channel is sure of another segment. ``channels``: the surest of the decided
    segment first.
    """

    probabilities: dict[int, float]
    decision: Decision = "review"
    conflict: bool = False
    channels: tuple[ChannelView, ...] = ()

    @property
    def segment(self) -> int | None:
        return self.candidates(1)[0][0] if self.probabilities else None

    @property
    def probability(self) -> float | None:
        return self.candidates(1)[0][1] if self.probabilities else None

    def candidates(self, n: int) -> tuple[tuple[int, float], ...]:
        """The ``n`` likeliest segments with their probabilities, the likeliest first."""
        ranked = sorted(self.probabilities.items(), key=lambda item: (-item[1], item[0]))
        return tuple(ranked[:n])

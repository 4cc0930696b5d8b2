"""The input and output types of a bundle: features of a creative, prediction."""

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
    """The features of one creative; absent ones are empty or None.

    ``speech``: ``Speech.text``, "" for a creative without speech. ``screen``:
    ``ScreenText.text``. ``vectors``: from ``PictureEncoder.name`` to the picture vector, float32
    (dimension,). ``shape``: the shape of the spot.
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
    """The prediction of one channel; ``name`` is one of ``CHANNELS``.

    ``evidence``: passages of ``SpotFeatures.speech`` or ``.screen`` that count for the channel's
    own most probable segment. ``neighbours``: the labelled creatives with the most similar picture
    vectors.
    """

    name: str
    probabilities: dict[int, float]
    evidence: tuple[Evidence, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()


@dataclass(frozen=True, slots=True)
class Prediction:
    """Calibrated ``probabilities`` by segment number; empty for a creative without any evidence.

    ``decision``: ``auto`` if the probability reaches the bundle's threshold and no channel
    contradicts. ``conflict``: whether a channel contradicts, see ``rule.conflicts``.
    ``channels``: sorted by their probability of the predicted segment, the highest first.
    ``threshold``: the smallest probability of an automatic decision; None if there is none.
    ``inputs`` and ``mask``: what the decision is computed from, as ``rule.Inputs.pack`` stores it.
    """

    probabilities: dict[int, float]
    decision: Decision = "review"
    conflict: bool = False
    channels: tuple[ChannelView, ...] = ()
    threshold: float | None = None
    inputs: bytes = b""
    mask: int = 0

    @property
    def segment(self) -> int | None:
        return self.candidates(1)[0][0] if self.probabilities else None

    @property
    def probability(self) -> float | None:
        return self.candidates(1)[0][1] if self.probabilities else None

    def candidates(self, n: int) -> tuple[tuple[int, float], ...]:
        """Return the ``n`` most probable segments as (number, probability), most probable first."""
        ranked = sorted(self.probabilities.items(), key=lambda item: (-item[1], item[0]))
        return tuple(ranked[:n])

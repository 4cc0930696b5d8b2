"""Several channels, one decision: log-linear pooling, and where channels contradict each other.

Each channel (what is said, what stands on the screen, what the pictures look like) gives
probabilities of the segments. Pooling multiplies them, each raised to a weight (a log-linear
opinion pool: Genest and Zidek 1986, section 3). Weights below 1 say that the channels of one spot
repeat each other; they are fixed, because no labelled creatives with all channels were at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from classifier.channels import CHANNELS, SCREEN
from classifier.screen import terms
from classifier.types import Probabilities

# The text model learned from speech: of a screen's words it is too sure.
SCREEN_SHARPNESS = 0.6
# A probability of 0 must not silence every other channel.
_FLOOR = 1e-6


@dataclass(frozen=True, slots=True)
class Fusion:
    """How channels are weighed.

    ``together``: the weight of each channel beside others; alone it has 1. ``clash``: how sure of
    another segment a channel must be to contradict. ``sharpness``: the power that a channel's
    probabilities are raised to before anything else; 1 where none is named.
    """

    together: float = 0.5
    clash: float = 0.25
    sharpness: Mapping[str, float] = field(default_factory=lambda: {SCREEN: SCREEN_SHARPNESS})

    def sharpen(self, channel: str, probabilities: Probabilities) -> Probabilities:
        """Probabilities along the last axis, floored and raised to the channel's power."""
        powers = np.maximum(probabilities, _FLOOR) ** self.sharpness.get(channel, 1.0)
        result: Probabilities = powers / powers.sum(axis=-1, keepdims=True)
        return result


@dataclass(frozen=True, slots=True)
class Opinions:
    """What the channels say of some creatives.

    ``probabilities``: for each channel (creatives, segments), rows of sum 1; NaN in rows of
    creatives of which it says nothing. ``likely``: what the terms on the screens say beside the
    text model (``terms.likelihood``). All have the same shape.
    """

    probabilities: Mapping[str, Probabilities]
    likely: Probabilities | None = None

    def says(self, channel: str) -> Probabilities:
        """All that a channel says: a screen by its words and by its terms."""
        said = self.probabilities[channel]
        if channel != SCREEN or self.likely is None:
            return said
        return terms.weigh(said, self.likely)

    def of(self, rows: NDArray[np.intp]) -> Opinions:
        """Those of some creatives."""
        likely = None if self.likely is None else self.likely[rows]
        return Opinions({name: said[rows] for name, said in self.probabilities.items()}, likely)

    def speaks(self, channel: str) -> NDArray[np.bool_]:
        """For which creatives this channel says something, (creatives,)."""
        return ~np.isnan(self.probabilities[channel][:, 0])

    def masks(self) -> NDArray[np.uint8]:
        """Which channels speak, (creatives,): bit n stands for ``CHANNELS[n]``."""
        result = np.zeros(len(next(iter(self.probabilities.values()))), np.uint8)
        for channel in self.probabilities:
            result |= self.speaks(channel).astype(np.uint8) << CHANNELS.index(channel)
        return result


def pool(opinions: Opinions, fusion: Fusion) -> Probabilities:
    """Pooled probabilities (creatives, segments), rows of sum 1; NaN where no channel speaks.

    The terms of a screen weigh what all channels say together: they are read, not guessed.
    """
    count = np.sum([opinions.speaks(channel) for channel in opinions.probabilities], axis=0)
    weight = np.where(count > 1, fusion.together, 1.0)[:, None]
    scores = np.zeros_like(next(iter(opinions.probabilities.values())))
    for probabilities in opinions.probabilities.values():
        said = weight * np.log(np.maximum(probabilities, _FLOOR))
        scores += np.where(np.isnan(said), 0.0, said)
    scores[count == 0] = np.nan
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    pooled: Probabilities = powers / powers.sum(axis=1, keepdims=True)
    return pooled if opinions.likely is None else terms.weigh(pooled, opinions.likely)


def conflicts(opinions: Opinions, fused: Probabilities, fusion: Fusion) -> NDArray[np.bool_]:
    """Of which creatives a channel contradicts the decision: it is at least ``clash`` sure of
    another segment than the likeliest of ``fused``."""
    decided = np.nan_to_num(fused).argmax(axis=1)
    result = np.zeros(len(fused), np.bool_)
    for channel in opinions.probabilities:
        known = np.nan_to_num(opinions.says(channel))
        result |= (known.argmax(axis=1) != decided) & (known.max(axis=1) >= fusion.clash)
    return result

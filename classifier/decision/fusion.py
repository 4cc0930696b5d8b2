"""Fusion of the channels by log-linear pooling, and detection of conflicts between them.

Each channel (speech, screen, pictures) has its own probabilities of the segments. Pooling
multiplies them, each raised to a weight (a log-linear opinion pool: Genest and Zidek 1986, section
3). Weights are below 1 because the channels of one spot repeat each other. They are fixed, because
no labelled creatives with all channels were available.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from classifier.channels import CHANNELS, SCREEN
from classifier.screen import terms
from classifier.types import Probabilities

# The text model is trained on speech and overconfident on screen text.
SCREEN_SHARPNESS = 0.6
# A probability of 0 in one channel must not cancel the other channels.
_FLOOR = 1e-6


@dataclass(frozen=True, slots=True)
class Fusion:
    """The parameters of fusion.

    ``together``: the weight of each channel where there are several; a single channel has 1.
    ``clash``: the smallest probability of another segment with which a channel contradicts the
    predicted one. ``sharpness``: by channel, the exponent applied to its probabilities before
    pooling; 1 for channels that are not listed.
    """

    together: float = 0.5
    clash: float = 0.25
    sharpness: Mapping[str, float] = field(default_factory=lambda: {SCREEN: SCREEN_SHARPNESS})

    def sharpen(self, channel: str, probabilities: Probabilities) -> Probabilities:
        """Return probabilities floored, raised to the channel's exponent and scaled to sum 1."""
        powers = np.maximum(probabilities, _FLOOR) ** self.sharpness.get(channel, 1.0)
        result: Probabilities = powers / powers.sum(axis=-1, keepdims=True)
        return result


@dataclass(frozen=True, slots=True)
class Opinions:
    """The probabilities that each channel gives to some creatives.

    ``probabilities``: by channel, (creatives, segments); a row sums to 1, or is NaN for a creative
    that lacks the channel. ``likely``: likelihood of the terms on the screens
    (``terms.likelihood``), of the same shape.
    """

    probabilities: Mapping[str, Probabilities]
    likely: NDArray[np.float64] | None = None

    def for_channel(self, channel: str) -> Probabilities:
        """Return the probabilities of a channel, (creatives, segments).

        Those of ``screen`` combine the text model and the terms on the screen.
        """
        probabilities = self.probabilities[channel]
        if channel != SCREEN or self.likely is None:
            return probabilities
        return terms.weigh(probabilities, self.likely)

    def select(self, rows: NDArray[np.intp]) -> Opinions:
        """Return the opinions on the creatives at ``rows``, (selected,)."""
        likely = None if self.likely is None else self.likely[rows]
        return Opinions({name: values[rows] for name, values in self.probabilities.items()}, likely)

    def has_channel(self, channel: str) -> NDArray[np.bool_]:
        """Return which creatives have this channel, (creatives,)."""
        return ~np.isnan(self.probabilities[channel][:, 0])

    def masks(self) -> NDArray[np.uint8]:
        """Return the channels of each creative as bits, (creatives,): bit n is ``CHANNELS[n]``."""
        result = np.zeros(len(next(iter(self.probabilities.values()))), np.uint8)
        for channel in self.probabilities:
            result |= self.has_channel(channel).astype(np.uint8) << CHANNELS.index(channel)
        return result


def pool(opinions: Opinions, fusion: Fusion) -> Probabilities:
    """Return the fused probabilities, (creatives, segments); NaN for creatives without a channel.

    The likelihood of the terms on a screen is applied after pooling, so that the weight of the
    screen channel does not reduce it.
    """
    count = np.sum([opinions.has_channel(channel) for channel in opinions.probabilities], axis=0)
    weight = np.where(count > 1, fusion.together, 1.0)[:, None]
    scores = np.zeros_like(next(iter(opinions.probabilities.values())))
    for probabilities in opinions.probabilities.values():
        logarithms = weight * np.log(np.maximum(probabilities, _FLOOR))
        scores += np.where(np.isnan(logarithms), 0.0, logarithms)
    scores[count == 0] = np.nan
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    pooled: Probabilities = powers / powers.sum(axis=1, keepdims=True)
    return pooled if opinions.likely is None else terms.weigh(pooled, opinions.likely)


def conflicts(opinions: Opinions, fused: Probabilities, fusion: Fusion) -> NDArray[np.bool_]:
    """Return for which creatives a channel contradicts the predicted segment, (creatives,).

    A channel contradicts if its own most probable segment is not that of ``fused``, (creatives,
    segments), and has a probability of at least ``fusion.clash``.
    """
    decided = np.nan_to_num(fused).argmax(axis=1)
    result = np.zeros(len(fused), np.bool_)
    for channel in opinions.probabilities:
        known = np.nan_to_num(opinions.for_channel(channel))
        result |= (known.argmax(axis=1) != decided) & (known.max(axis=1) >= fusion.clash)
    return result

"""Fusion of the channels by log-linear pooling.

Each channel (speech, screen, pictures) has its own probabilities of the segments. Pooling
multiplies them, each raised to a weight (a log-linear opinion pool: Genest and Zidek 1986, section
3). Weights are below 1 because the channels of one spot repeat each other. They are fixed, because
no labelled creatives with all channels were available.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from classifier.channels import CHANNELS, SCREEN
from classifier.screen import terms
from classifier.types import Numbers, Probabilities

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

    ``numbers``: the segments, in the order of the columns. ``probabilities``: by channel,
    (creatives, segments); a row sums to 1, or is NaN for a creative that lacks the channel.
    ``likely``: likelihood of the terms on the screens (``terms.likelihood``), of the same shape.
    ``known``: by channel, (segments,), the segments that the channel has learned; all for channels
    that are not listed. The channel abstains on the others, and their probabilities are 0.
    """

    numbers: Numbers
    probabilities: Mapping[str, Probabilities]
    likely: NDArray[np.float64] | None = None
    known: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    def for_channel(self, channel: str) -> Probabilities:
        """Return the probabilities of a channel, (creatives, segments).

        Those of ``screen`` combine the text model and the terms on the screen.
        """
        probabilities = self.probabilities[channel]
        if channel != SCREEN or self.likely is None:
            return probabilities
        return terms.weigh(probabilities, self.likely, self.numbers)

    def knows(self, channel: str) -> NDArray[np.bool_]:
        """Return which segments the channel has learned, (segments,)."""
        return self.known.get(channel, np.ones(len(self.numbers), np.bool_))

    def select(self, rows: NDArray[np.intp]) -> Opinions:
        """Return the opinions on the creatives at ``rows``, (selected,)."""
        likely = None if self.likely is None else self.likely[rows]
        selected = {name: values[rows] for name, values in self.probabilities.items()}
        return replace(self, probabilities=selected, likely=likely)

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

    A channel abstains on segments that it never learned. The segments that all channels of a
    creative know are shared: they are pooled, and every other segment is compared with them by the
    channels that know it, with the odds of the pool of these channels. So no channel has a veto on
    what it never learned, and the order of the channels does not matter. If the channels share no
    segment, those that know the same segments divide the probability equally. Segments that no
    channel of the creative has learned get 0. The likelihood of the terms on a screen is applied
    after pooling, so that the weight of the screen channel does not reduce it.
    """
    masks = opinions.masks()
    fused = np.full((len(masks), len(opinions.numbers)), np.nan)
    for mask in np.unique(masks[masks > 0]).tolist():
        rows = np.flatnonzero(masks == mask)
        present = [name for name in opinions.probabilities if mask >> CHANNELS.index(name) & 1]
        fused[rows] = _pool_present(opinions.select(rows), present, fusion)
    if opinions.likely is None:
        return fused
    return terms.weigh(fused, opinions.likely, opinions.numbers)


def _pool_present(opinions: Opinions, present: list[str], fusion: Fusion) -> Probabilities:
    """Return the fused probabilities of creatives that have the channels ``present``."""
    known = np.array([opinions.knows(name) for name in present])
    logarithms = np.log(
        np.maximum(np.array([opinions.probabilities[name] for name in present]), _FLOOR)
    )
    shared = known.all(axis=0)
    odds = np.zeros(logarithms.shape[1:])
    for knowing in np.unique(known.T, axis=0):
        if not knowing.any():
            continue
        weight = fusion.together if knowing.sum() > 1 else 1.0
        powers = np.exp(weight * logarithms[knowing].sum(axis=0))
        columns = (knowing == known.T).all(axis=1)
        compared = shared if shared.any() else columns
        odds[:, columns] = powers[:, columns] / powers[:, compared].sum(axis=1, keepdims=True)
    result: Probabilities = odds / odds.sum(axis=1, keepdims=True)
    return result

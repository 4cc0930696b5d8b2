"""The rule of decision: a pure function of a prediction's stored inputs and of parameters.

The inputs are what the models computed about a creative; they never change. The parameters are
chosen for a wanted precision and for how frequent the segments are; people change these. Training,
prediction and re-decision all decide by ``decide``, so that a stored decision is the one that the
models would make again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.artefact import Artefact
from classifier.channels import CHANNELS
from classifier.decision.bundle_parts import HeldOut, Parts, load_rule_parts
from classifier.decision.fusion import Opinions
from classifier.evaluation.metrics import threshold_for
from classifier.text.linear_model import prior_factors
from classifier.types import Numbers, Probabilities

RULE_VERSION = 1
"""To be raised whenever the same inputs and parameters may give another decision."""

# A threshold chosen on fewer held-out creatives would be a matter of luck.
LEAST_HELD_OUT = 50

Logarithms = NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Gate:
    """A further condition of automatic decisions: the score reaches the threshold.

    ``scores`` and ``thresholds``: (creatives,).
    """

    scores: NDArray[np.float64]
    thresholds: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the models computed about some creatives.

    ``numbers``: the segments, in the order of the columns. ``fused``: float16 (creatives,
    segments), logarithms of the fused probabilities under the shares of the training data; NaN for
    a creative without a channel. ``channels``: the same by channel, after sharpening and terms;
    NaN for a creative that lacks the channel, -inf for segments that the channel never learned.
    ``likeness``: (creatives,), how much each creative is like what was learned; None as long as
    nothing computes it. ``gates``: by name.
    """

    numbers: Numbers
    fused: Logarithms
    channels: Mapping[str, Logarithms]
    likeness: NDArray[np.float64] | None = None
    gates: Mapping[str, Gate] = field(default_factory=dict)

    @classmethod
    def of(cls, opinions: Opinions, fused: Probabilities) -> Inputs:
        """Return the inputs of decisions on ``fused``, (creatives, segments)."""
        channels = {
            name: _logarithms(opinions.for_channel(name))
            for name in CHANNELS
            if name in opinions.probabilities
        }
        return cls(opinions.numbers, _logarithms(fused), channels)

    @classmethod
    def unpack(cls, rows: Sequence[tuple[bytes, int]], numbers: Numbers) -> Inputs:
        """Return the inputs that ``pack`` stored: for each creative its bytes and its mask.

        Raises:
            ValueError: The bytes of a creative don't fit its mask and ``numbers``.
        """
        size = len(numbers)
        fused = np.full((len(rows), size), np.nan, np.float16)
        channels = {name: fused.copy() for name in CHANNELS}
        masks = np.array([mask for _, mask in rows], np.int64)
        for mask in np.unique(masks[masks > 0]).tolist():
            places = np.flatnonzero(masks == mask)
            packed = b"".join(rows[place][0] for place in places.tolist())
            shape = (len(places), 1 + mask.bit_count(), size)
            values = np.frombuffer(packed, "<f2").reshape(shape)
            fused[places] = values[:, 0]
            present = [name for bit, name in enumerate(CHANNELS) if mask >> bit & 1]
            for place, name in enumerate(present, 1):
                channels[name][places] = values[:, place]
        return cls(numbers, fused, channels)

    def pack(self) -> list[bytes]:
        """Return for each creative its logarithms: fused, then its channels as in ``CHANNELS``.

        A logarithm is a little-endian float16. A creative without a channel has no bytes.
        """
        arrays = np.stack([self.fused, *self.channels.values()], axis=1).astype("<f2")
        has = np.stack([~np.isnan(self.fused[:, 0]), *self._present().values()], axis=1)
        return [values[present].tobytes() for values, present in zip(arrays, has, strict=True)]

    def masks(self) -> NDArray[np.uint8]:
        """Return the channels of each creative as bits, as ``Opinions.masks``, (creatives,)."""
        result = np.zeros(len(self.fused), np.uint8)
        for name, present in self._present().items():
            result |= present.astype(np.uint8) << CHANNELS.index(name)
        return result

    def _present(self) -> dict[str, NDArray[np.bool_]]:
        return {name: ~np.isnan(values[:, 0]) for name, values in self.channels.items()}


def _logarithms(probabilities: Probabilities) -> Logarithms:
    with np.errstate(divide="ignore"):
        result: Logarithms = np.log(probabilities).astype(np.float16)
    return result


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of the rule for one bundle.

    ``numbers``: the segments. ``factors``: float64 (segments,), how much more frequent each is than
    in the training data. ``thresholds``: by mask of channels, the smallest probability of an
    automatic decision, or None if no probability is high enough. ``clash``: as in ``Fusion``.
    """

    numbers: Numbers
    factors: NDArray[np.float64]
    thresholds: Mapping[int, float | None]
    clash: float

    def threshold(self, mask: int) -> float | None:
        """Return the threshold for creatives with these channels, as in ``Opinions.masks``.

        If it was not measured on creatives with the same channels, it is the highest threshold of
        all measured subsets of the channels. None means that a person has to look: nothing was
        measured, or no probability is high enough.
        """
        if mask in self.thresholds:
            return self.thresholds[mask]
        within = [least for known, least in self.thresholds.items() if known & mask == known]
        if not within or None in within:
            return None
        return max(least for least in within if least is not None)

    def apply_priors(self, probabilities: Probabilities) -> Probabilities:
        """Return probabilities, (creatives, segments), moved from the training shares to priors."""
        weighted = probabilities * self.factors
        total = weighted.sum(axis=1, keepdims=True)
        # Priors that exclude all segments of a channel say nothing about it.
        possible = np.where(total > 0, total, 1.0)
        result: Probabilities = np.where(total > 0, weighted / possible, probabilities)
        return result


@dataclass(frozen=True, slots=True)
class Basis:
    """What a bundle contributes to the parameters of its rule.

    ``numbers``: its segments. ``shares``: float64 (segments,), the share of each in the training
    data. ``held_out``: predictions of creatives that the models had not seen. ``clash``: as in
    ``Fusion``.
    """

    numbers: Numbers
    shares: NDArray[np.float64]
    held_out: HeldOut
    clash: float

    @classmethod
    def of(cls, parts: Parts) -> Basis:
        """Return the basis of the parts of a bundle."""
        return cls(parts.numbers, parts.shares, parts.held_out, parts.fusion.clash)

    @classmethod
    def load(cls, folder: Path) -> tuple[Basis, Artefact]:
        """Read the basis of a bundle without its models; also return the verified folder.

        Raises:
            ArtefactError: The folder is damaged or of another format.
        """
        artefact, numbers, shares, held_out, clash = load_rule_parts(folder)
        return cls(numbers, shares, held_out, clash), artefact

    def parameters(self, precision: float, priors: Mapping[int, float] | None = None) -> Parameters:
        """Choose the parameters.

        Args:
            precision: The wanted precision of decisions without review, 0 to 1.
            priors: By segment number, how frequent it is among the creatives to be classified, in
                any unit. Segments that are not listed, and all without priors, are as frequent as
                in the training data; so are all if only segments of other bundles are above 0.

        Raises:
            ValueError: A prior is negative or not finite, or all are 0; see ``prior_factors``.
        """
        factors = self._factors(priors)
        weighted = Parameters(self.numbers, factors, {}, self.clash)
        held = self.held_out
        probabilities = weighted.apply_priors(held.probabilities.astype(np.float64))
        correct = probabilities.argmax(axis=1) == held.columns
        found: dict[int, float | None] = {}
        for mask in np.unique(held.masks).tolist():
            rows = held.masks == mask
            if rows.sum() >= LEAST_HELD_OUT:
                weights = factors[held.columns[rows]]
                confidence = probabilities[rows].max(axis=1)
                found[mask] = threshold_for(confidence, correct[rows], precision, weights)
        return Parameters(self.numbers, factors, found, self.clash)

    def _factors(self, priors: Mapping[int, float] | None) -> NDArray[np.float64]:
        factors = np.ones(len(self.numbers))
        known = (self.shares > 0) & np.isin(self.numbers, list(priors or ()))
        if priors is not None and known.any():
            numbers, shares = np.array(self.numbers)[known], self.shares[known]
            own = {number: priors[number] for number in numbers.tolist()}
            if not any(own.values()) and any(priors.values()):
                return factors
            factors[known] = prior_factors(numbers, shares / shares.sum(), priors)
        return factors


@dataclass(frozen=True, slots=True)
class Decisions:
    """Decisions on some creatives.

    ``probabilities``: (creatives, segments) under the priors; NaN for a creative without a channel,
    which has no segment. ``columns``: (creatives,), the predicted segment. ``confidence``:
    (creatives,), its probability, 0 without a channel. ``thresholds``: (creatives,), the smallest
    probability of an automatic decision; inf if there is none. ``conflict``: (creatives,), whether
    a channel contradicts. ``automatic``: (creatives,), whether no person has to look.
    """

    probabilities: Probabilities
    columns: NDArray[np.int64]
    confidence: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    conflict: NDArray[np.bool_]
    automatic: NDArray[np.bool_]


def decide(inputs: Inputs, parameters: Parameters) -> Decisions:
    """Decide on creatives.

    A decision is automatic if the probability of the segment reaches the threshold for the
    channels of the creative, no channel contradicts (``conflicts``), and all gates are passed.
    """
    probabilities = parameters.apply_priors(probabilities_of(inputs.fused))
    filled = np.nan_to_num(probabilities)
    columns, confidence = filled.argmax(axis=1), filled.max(axis=1)
    masks = inputs.masks()
    thresholds = np.full(len(masks), np.inf)
    for mask in np.unique(masks).tolist():
        if (least := parameters.threshold(mask)) is not None:
            thresholds[masks == mask] = least
    conflict = conflicts(inputs, columns, parameters)
    automatic = (confidence >= thresholds) & (masks > 0) & ~conflict
    for gate in inputs.gates.values():
        automatic &= gate.scores >= gate.thresholds
    return Decisions(probabilities, columns, confidence, thresholds, conflict, automatic)


def conflicts(
    inputs: Inputs, columns: NDArray[np.int64], parameters: Parameters
) -> NDArray[np.bool_]:
    """Return for which creatives a channel contradicts the predicted segment, (creatives,).

    A channel contradicts if its own most probable segment, its favourite, is not the predicted one
    and has a probability of at least ``clash``. A channel that never learned the predicted segment
    could not choose it: its favourite counts only if no channel of the creative has compared the
    two segments, that is, has learned both. The priors are applied to every channel, so that they
    alone never cause a conflict.

    Args:
        inputs: The inputs of the creatives.
        columns: The predicted segment of each creative, (creatives,).
        parameters: The parameters of the rule.
    """
    rows = np.arange(len(columns))
    # NaN, for a channel that the creative lacks, is not greater than anything.
    known = {name: values > -np.inf for name, values in inputs.channels.items()}
    result = np.zeros(len(columns), np.bool_)
    for name, values in inputs.channels.items():
        own = np.nan_to_num(parameters.apply_priors(probabilities_of(values)))
        favourite = own.argmax(axis=1)
        compared = np.zeros(len(columns), np.bool_)
        for learned in known.values():
            compared |= learned[rows, columns] & learned[rows, favourite]
        contradicts = (favourite != columns) & (own.max(axis=1) >= parameters.clash)
        result |= contradicts & (known[name][rows, columns] | ~compared)
    return result


def probabilities_of(logarithms: Logarithms) -> Probabilities:
    """Return the probabilities of stored logarithms, (creatives, segments), scaled to sum 1."""
    powers = np.exp(logarithms.astype(np.float64))
    result: Probabilities = powers / powers.sum(axis=1, keepdims=True)
    return result


def shares(packed: bytes, factors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probabilities of one creative under a mix, (segments,).

    Args:
        packed: Its inputs, as ``Inputs.pack`` returns them; not empty.
        factors: As in ``Parameters``, (segments,).
    """
    fused = np.frombuffer(packed, "<f2")[: len(factors)]
    powers = np.exp(fused.astype(np.float64))
    weighted = powers * factors
    chosen = weighted if weighted.any() else powers
    result: NDArray[np.float64] = chosen / chosen.sum()
    return result


def as_json(parameters: Parameters) -> dict[str, Any]:
    """Return parameters as plain JSON values."""
    return {
        "numbers": list(parameters.numbers),
        "factors": parameters.factors.tolist(),
        "thresholds": {str(mask): least for mask, least in parameters.thresholds.items()},
        "clash": parameters.clash,
    }

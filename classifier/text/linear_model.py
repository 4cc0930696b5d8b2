"""The text model: predicts the segment of a transcript, with probabilities and evidence.

A linear model over hashed n-grams and a lexicon (``features``): int8 weights, a scale and an
intercept for each segment, and two numbers that turn margins into calibrated probabilities. Needs
only numpy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.artefact import Artefact, ArtefactError, read_artefact, write_artefact
from classifier.text.evidence import Evidence, heaviest_phrases
from classifier.text.features import (
    HASHING,
    Counts,
    Grams,
    count_grams,
    inverse_document_frequency,
    locate_grams,
    tf_idf,
)
from classifier.types import Numbers

KIND = "creative-filter/text-model"
VERSION = 3
# The text model of the bundle that ships with the project.
STARTER_TEXT = Path(__file__).parents[1] / "starter_model" / "text"

_WEIGHTS = "weights.npz"
_BATCH = 256


@dataclass(frozen=True, slots=True)
class TextPrediction:
    """Calibrated ``probabilities`` by segment number; their sum is 1."""

    probabilities: dict[int, float]

    @property
    def segment(self) -> int:
        return self.candidates(1)[0][0]

    @property
    def probability(self) -> float:
        return self.candidates(1)[0][1]

    def candidates(self, n: int) -> tuple[tuple[int, float], ...]:
        """Return the ``n`` most probable segments as (number, probability), most probable first."""
        ranked = sorted(self.probabilities.items(), key=lambda item: (-item[1], item[0]))
        return tuple(ranked[:n])


@dataclass(frozen=True, slots=True)
class Calibration:
    """Calibration of margins m: probabilities in proportion to sigmoid(slope * m + shift).

    This is Platt's scaling with one slope and one shift for all segments, scaled to sum 1. It keeps
    the order of the margins. A softmax with a temperature had four times the calibration error: it
    was overconfident on clear cases and underconfident on the others.
    """

    slope: float
    shift: float

    def probabilities(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return probabilities for the margins ``scores``, both with the shape (..., segments)."""
        logarithms = -np.logaddexp(0.0, -(scores * self.slope + self.shift))
        powers = np.exp(logarithms - logarithms.max(axis=-1, keepdims=True))
        result: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
        return result

    def margins(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return margins, (segments,), that are calibrated to these ``probabilities``, (segments,).

        The probabilities must be between 0 and 1, both excluded, with the sum 1.
        """
        odds = np.log(probabilities) - np.log1p(-probabilities)
        result: NDArray[np.float64] = (odds - self.shift) / self.slope
        return result


@dataclass(frozen=True, slots=True)
class Parameters:
    """The trained parameters of a text model.

    ``weights``: int8, (BUCKETS, segments). ``scales`` and ``intercepts``: float32, (segments,).
    ``silent``: float32, (segments,), the margins of a text without features. ``numbers``: int64,
    (segments,), the segments in the order of the columns. ``frequencies``: unsigned, (BUCKETS,),
    the number of training texts with each bucket. ``texts``: the number of training texts.
    ``shares``: float64, (segments,), the share of each segment in the training texts.
    """

    weights: NDArray[np.int8]
    scales: NDArray[np.float32]
    intercepts: NDArray[np.float32]
    silent: NDArray[np.float32]
    numbers: NDArray[np.int64]
    frequencies: NDArray[np.integer[Any]]
    texts: int
    shares: NDArray[np.float64]
    calibration: Calibration

    def save(self, folder: Path, facts: Mapping[str, Any]) -> Artefact:
        """Write the parameters as a model folder, with ``facts`` about the training."""

        def write(aside: Path) -> None:
            np.savez_compressed(
                aside / _WEIGHTS,
                weights=self.weights,
                scales=self.scales,
                intercepts=self.intercepts,
                silent=self.silent,
                numbers=self.numbers,
                frequencies=self.frequencies,
                texts=np.int64(self.texts),
                shares=self.shares,
                calibration=np.array([self.calibration.slope, self.calibration.shift]),
            )

        return write_artefact(folder, KIND, VERSION, write, {"hashing": HASHING, **facts})


class TextModel:
    """Predicts segments from ``Speech.text`` and explains predictions. Thread-safe."""

    def __init__(self, parameters: Parameters, artefact: Artefact | None = None) -> None:
        self.parameters = parameters
        self.artefact = artefact
        self._idf = inverse_document_frequency(parameters.frequencies, parameters.texts)

    @property
    def numbers(self) -> Numbers:
        """The segments that the model predicts, ascending."""
        return tuple(self.parameters.numbers.tolist())

    @classmethod
    def load(cls, folder: Path = STARTER_TEXT) -> TextModel:
        """Read a model folder.

        Raises:
            ArtefactError: The folder is damaged or of another format.
        """
        artefact = read_artefact(folder, KIND, VERSION)
        if artefact.facts.get("hashing") != HASHING:
            raise ArtefactError(folder, f"its n-grams are not hashed by {HASHING}")
        arrays = artefact.arrays(_WEIGHTS)
        try:
            parameters = Parameters(
                weights=arrays["weights"],
                scales=arrays["scales"],
                intercepts=arrays["intercepts"],
                silent=arrays["silent"],
                numbers=arrays["numbers"],
                frequencies=arrays["frequencies"],
                texts=int(arrays["texts"]),
                shares=arrays["shares"],
                calibration=Calibration(*arrays["calibration"].tolist()),
            )
        except (KeyError, TypeError) as error:
            raise ArtefactError(folder, f"{_WEIGHTS} lacks an array: {error}") from error
        return cls(parameters, artefact)

    def save(self, folder: Path, facts: Mapping[str, Any]) -> Artefact:
        """Create or replace a model folder, with `facts` (JSON values) about the training."""
        return self.parameters.save(folder, facts)

    def predict(
        self, texts: Sequence[str], priors: Mapping[int, float] | None = None
    ) -> list[TextPrediction]:
        """Return one prediction for each text, in the order of ``texts``.

        A text without features gets the probabilities of training rows without speech. Call
        ``assess_speech`` first to find out whether there is something to classify. ``priors`` and
        its ``ValueError`` are as for ``probabilities``.
        """
        numbers = [int(number) for number in self.parameters.numbers]
        return [
            TextPrediction(dict(zip(numbers, row, strict=True)))
            for begin in range(0, len(texts), _BATCH)
            for row in self.probabilities(texts[begin : begin + _BATCH], priors).tolist()
        ]

    def probabilities(
        self, texts: Sequence[str], priors: Mapping[int, float] | None = None
    ) -> NDArray[np.float64]:
        """Return probabilities, (texts, segments), columns as ``parameters.numbers``.

        Args:
            texts: The texts.
            priors: By segment number, how frequent it is among the texts to be classified, in any
                unit. None stands for the shares in the training data.

        Raises:
            ValueError: The priors lack a segment of the model, one of them is negative or not
                finite, or all are 0.
        """
        return self._apply_priors(self.margins(texts), self._prior_factors(priors))

    def _prior_factors(self, priors: Mapping[int, float] | None) -> NDArray[np.float64]:
        """Return how much more frequent each segment is than in training, (segments,)."""
        if priors is None:
            return np.ones(len(self.parameters.numbers))
        return prior_factors(self.parameters.numbers, self.parameters.shares, priors)

    def _apply_priors(
        self, scores: NDArray[np.float64], factors: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        weighted = self.parameters.calibration.probabilities(scores) * factors
        result: NDArray[np.float64] = weighted / weighted.sum(axis=-1, keepdims=True)
        return result

    def margins(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the margins of the linear model, (texts, segments), before calibration."""
        counts = count_grams(texts)
        return margins(self.parameters, counts, tf_idf(counts, self._idf))

    def explain(self, text: str, segment: int) -> tuple[Evidence, ...]:
        """Return the words and short phrases that count most for ``segment`` in ``text``.

        The weight of an n-gram is what it adds to the margin of the segment over the mean margin
        of the others, weighted by their probabilities q for this text: value * (w_s - sum of
        q_j w_j), with q scaled to sum 1. The weight is divided equally among the occurrences of
        the n-gram, and in each between the words in which it begins and ends. The shape of the text
        is left out, because it belongs to no word.

        Returns:
            At most six spans with positive weights, the largest first.

        Raises:
            ValueError: The model does not have this segment.
        """
        column = self._column(segment)
        grams = _inside_words(locate_grams(text))
        if not len(grams.bucket):
            return ()
        counts = count_grams([text])
        share = tf_idf(counts, self._idf) * self._pull(counts, text, column) / counts.count
        weight = share[np.searchsorted(counts.bucket, grams.bucket)]
        return heaviest_phrases(text, grams, weight)

    def _column(self, segment: int) -> int:
        found = np.flatnonzero(self.parameters.numbers == segment)
        if not len(found):
            raise ValueError(f"the model knows no segment {segment}")
        return int(found[0])

    def _pull(self, counts: Counts, text: str, column: int) -> NDArray[np.float64]:
        """Return what one unit of each n-gram adds to the margin of a segment over the others."""
        others = self.probabilities([text])[0]
        others[column] = 0.0
        others /= max(others.sum(), np.finfo(np.float64).tiny)
        weights = self.parameters.weights[counts.bucket] * self.parameters.scales
        pull: NDArray[np.float64] = weights[:, column] - weights @ others
        return pull


def prior_factors(
    numbers: NDArray[np.int64], shares: NDArray[np.float64], priors: Mapping[int, float]
) -> NDArray[np.float64]:
    """Return the factors that move probabilities from the training shares to ``priors``.

    Bayes' rule for a shift of class priors alone (Saerens, Latinne and Decaestecker 2002, eq. 4).
    Multiply probabilities by the factors and scale them to sum 1.

    Args:
        numbers: The segment numbers, (segments,).
        shares: The share of each in the training data, (segments,).
        priors: By segment number, how frequent it is, in any unit.

    Returns:
        The factors, (segments,).

    Raises:
        ValueError: A segment has no prior, a prior is negative or not finite, or all are 0.
    """
    missing = [int(number) for number in numbers if int(number) not in priors]
    if missing:
        raise ValueError(f"no prior for segment {', '.join(map(str, missing))}")
    given = np.array([priors[int(number)] for number in numbers], np.float64)
    if not np.isfinite(given).all() or given.min() < 0 or given.sum() <= 0:
        raise ValueError("priors must be finite, none negative and one of them positive")
    factors: NDArray[np.float64] = given / given.sum() / shares
    return factors


def _inside_words(grams: Grams) -> Grams:
    """Return the n-grams that cover characters; features of the whole text are left out."""
    inside = grams.start < grams.end
    return Grams(grams.bucket[inside], grams.start[inside], grams.end[inside])


def margins(
    parameters: Parameters, counts: Counts, values: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the margins, (texts, segments), of texts with ``counts`` and their tf-idf ``values``.

    ``values`` (entries,) are parallel to ``counts``.
    """
    result = np.tile(parameters.silent, (counts.texts, 1))
    for begin in range(0, counts.texts, _BATCH):
        low, high = np.searchsorted(counts.text, (begin, begin + _BATCH))
        if low < high:
            texts, first = np.unique(counts.text[low:high], return_index=True)
            weighted = parameters.weights[counts.bucket[low:high]] * values[low:high, None]
            sums = np.add.reduceat(weighted, first)
            result[texts] = sums * parameters.scales + parameters.intercepts
    return result.astype(np.float64)

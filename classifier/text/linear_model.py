"""The text model: which segment a transcript speaks for, how surely, and which words say so.

A linear model over hashed n-grams and a lexicon (``features``): int8 weights with one scale for
each segment, an intercept each, and two numbers that turn margins into calibrated probabilities.
Needs numpy alone.
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

KIND = "creative-filter/text-model"
VERSION = 3
# The text model of the bundle that ships with the project.
STARTER_TEXT = Path(__file__).parents[1] / "starter_model" / "text"

_WEIGHTS = "weights.npz"
_BATCH = 256


@dataclass(frozen=True, slots=True)
class TextPrediction:
    """Calibrated ``probabilities`` of every segment number; they sum to 1."""

    probabilities: dict[int, float]

    @property
    def segment(self) -> int:
        return self.candidates(1)[0][0]

    @property
    def probability(self) -> float:
        return self.candidates(1)[0][1]

    def candidates(self, n: int) -> tuple[tuple[int, float], ...]:
        """The ``n`` likeliest segments with their probabilities, the likeliest first."""
        ranked = sorted(self.probabilities.items(), key=lambda item: (-item[1], item[0]))
        return tuple(ranked[:n])


@dataclass(frozen=True, slots=True)
class Calibration:
    """How margins become probabilities: each p is in proportion to sigmoid(slope * m + shift).

    Platt's scaling with one slope and one shift for all segments, then scaled to sum 1. It keeps
    the order of the margins. A softmax with a temperature was four times further from the
    accuracies: it is too sure of the clear cases and not sure enough of the others.
    """

    slope: float
    shift: float

    def probabilities(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities along the last axis of the margins ``scores``."""
        logarithms = -np.logaddexp(0.0, -(scores * self.slope + self.shift))
        powers = np.exp(logarithms - logarithms.max(axis=-1, keepdims=True))
        result: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
        return result

    def margins(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Margins that become these ``probabilities`` (sum 1, all between 0 and 1)."""
        odds = np.log(probabilities) - np.log1p(-probabilities)
        result: NDArray[np.float64] = (odds - self.shift) / self.slope
        return result


@dataclass(frozen=True, slots=True)
class Parameters:
    """What training yields: all that a text model is.

    ``weights`` int8 (BUCKETS, segments), ``scales`` and ``intercepts`` float32 (segments,),
    ``silent`` the margins, float32 (segments,), of a text that holds nothing,
    ``numbers`` int64 (segments,), ``frequencies`` the number of training texts that hold each
    bucket, unsigned (BUCKETS,), ``texts`` their number, ``shares`` float64 (segments,) how they
    fall on the segments.
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
        """Write them as a model folder with the facts about their making."""

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
    """Predicts and explains; safe to share between threads. Give it ``Speech.text``."""

    def __init__(self, parameters: Parameters, artefact: Artefact | None = None) -> None:
        self.parameters = parameters
        self.artefact = artefact
        self._idf = inverse_document_frequency(parameters.frequencies, parameters.texts)

    @classmethod
    def load(cls, folder: Path = STARTER_TEXT) -> TextModel:
        """Read a model folder; raises ``ArtefactError`` unless it is whole and of this format."""
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
        """Make or replace a model folder, with `facts` (JSON values) about its making."""
        return self.parameters.save(folder, facts)

    def predict(
        self, texts: Sequence[str], priors: Mapping[int, float] | None = None
    ) -> list[TextPrediction]:
        """One prediction for each text, in their order; ``priors`` as in ``probabilities``.

        A text without any n-gram gets the probabilities of training rows in which nobody
        speaks: ask ``assess_speech`` first whether there is something to classify.
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
        """Probabilities, one row for each text, columns as ``parameters.numbers``.

        ``priors``: how often each segment number occurs where the texts come from, in any unit;
        without them, as often as in the training data.
        Raises ``ValueError`` unless every segment of the model has one that is not negative.
        """
        return self._weighed(self.margins(texts), self._factors(priors))

    def _factors(self, priors: Mapping[int, float] | None) -> NDArray[np.float64]:
        """How much more often each segment occurs than in training."""
        if priors is None:
            return np.ones(len(self.parameters.numbers))
        return prior_factors(self.parameters.numbers, self.parameters.shares, priors)

    def _weighed(
        self, scores: NDArray[np.float64], factors: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        weighed = self.parameters.calibration.probabilities(scores) * factors
        result: NDArray[np.float64] = weighed / weighed.sum(axis=-1, keepdims=True)
        return result

    def margins(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """What the linear model says before calibration; same shape as ``probabilities``."""
        counts = count_grams(texts)
        return margins(self.parameters, counts, tf_idf(counts, self._idf))

    def explain(self, text: str, segment: int) -> tuple[Evidence, ...]:
        """The words and short phrases that moved ``text`` towards ``segment``, heaviest first.

        An n-gram weighs what it adds to the margin of the segment over the others, each of them
        counted by its probability here: value * (w_s - sum of q_j w_j), q scaled to sum 1. Its
        weight falls in equal shares on its occurrences, and there on the words that it begins
        and ends in. Only the shape of the text, which lies in no word, is left out. At most six
        spans, none negative.
        Raises ``ValueError`` for a segment that the model does not know.
        """
        column = self._column(segment)
        grams = _in_words(locate_grams(text))
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
        """For each n-gram of a text, how a unit of it moves one segment away from the others."""
        others = self.probabilities([text])[0]
        others[column] = 0.0
        others /= max(others.sum(), np.finfo(np.float64).tiny)
        weights = self.parameters.weights[counts.bucket] * self.parameters.scales
        pull: NDArray[np.float64] = weights[:, column] - weights @ others
        return pull


def prior_factors(
    numbers: NDArray[np.int64], shares: NDArray[np.float64], priors: Mapping[int, float]
) -> NDArray[np.float64]:
    """By what to multiply probabilities learned at ``shares`` where ``priors`` hold instead.

    Bayes' rule for a shift of the classes alone (Saerens, Latinne and Decaestecker 2002, eq. 4).
    Raises ``ValueError`` unless each of ``numbers`` has a prior >= 0 and one of them is positive.
    """
    missing = [int(number) for number in numbers if int(number) not in priors]
    if missing:
        raise ValueError(f"no prior for segment {', '.join(map(str, missing))}")
    given = np.array([priors[int(number)] for number in numbers], np.float64)
    if not np.isfinite(given).all() or given.min() < 0 or given.sum() <= 0:
        raise ValueError("priors must be finite, none negative and one of them positive")
    factors: NDArray[np.float64] = given / given.sum() / shares
    return factors


def _in_words(grams: Grams) -> Grams:
    """Those that lie somewhere in the text."""
    there = grams.start < grams.end
    return Grams(grams.bucket[there], grams.start[there], grams.end[there])


def margins(
    parameters: Parameters, counts: Counts, values: NDArray[np.float32]
) -> NDArray[np.float64]:
    """The linear scores (texts, segments) of n-gram ``values`` that belong to ``counts``."""
    result = np.tile(parameters.silent, (counts.texts, 1))
    if len(counts.text):
        texts, first = np.unique(counts.text, return_index=True)
        weighted = parameters.weights[counts.bucket] * values[:, None]
        sums = np.add.reduceat(weighted, first)
        result[texts] = sums * parameters.scales + parameters.intercepts
    return result.astype(np.float64)

"""The text model: which segment a transcript speaks for, how surely, and which words say so.

A linear model over hashed n-grams (``features``): int8 weights with one scale for each segment,
an intercept each, and two numbers that turn margins into calibrated probabilities. Needs numpy
alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.artefact import Artefact, ArtefactError, read_artefact, write_artefact
from classifier.features import (
    HASHING,
    Counts,
    count_grams,
    inverse_document_frequency,
    locate_grams,
    tf_idf,
)

KIND = "creative-filter/text-model"
VERSION = 1
STARTER = Path(__file__).parent / "starter_model"

CARD = "MODEL_CARD.md"
_WEIGHTS = "weights.npz"
_BATCH = 256
_EVIDENCE = 6
_LONGEST_SPAN = 4
_MARKS = ".,!?:;…"


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
class Evidence:
    """A word or short phrase that spoke for a segment: ``given_text[start:end] == text``.

    ``weight`` is what it added to the margin of that segment over the others.
    """

    text: str
    start: int
    end: int
    weight: float


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


@dataclass(frozen=True, slots=True)
class Parameters:
    """What training yields: all that a text model is.

    ``weights`` int8 (BUCKETS, segments), ``scales`` and ``intercepts`` float32 (segments,),
    ``numbers`` int64 (segments,), ``frequencies`` the number of training texts that hold each
    bucket, unsigned (BUCKETS,), ``texts`` their number.
    """

    weights: NDArray[np.int8]
    scales: NDArray[np.float32]
    intercepts: NDArray[np.float32]
    numbers: NDArray[np.int64]
    frequencies: NDArray[np.integer[Any]]
    texts: int
    calibration: Calibration

    def save(self, folder: Path, facts: dict[str, Any], card: str) -> Artefact:
        """Write them as a model folder with its model card and the facts about their making."""

        def write(aside: Path) -> None:
            (aside / CARD).write_text(card, encoding="utf-8")
            np.savez_compressed(
                aside / _WEIGHTS,
                weights=self.weights,
                scales=self.scales,
                intercepts=self.intercepts,
                numbers=self.numbers,
                frequencies=self.frequencies,
                texts=np.int64(self.texts),
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
    def load(cls, folder: Path = STARTER) -> TextModel:
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
                numbers=arrays["numbers"],
                frequencies=arrays["frequencies"],
                texts=int(arrays["texts"]),
                calibration=Calibration(*arrays["calibration"].tolist()),
            )
        except (KeyError, TypeError) as error:
            raise ArtefactError(folder, f"{_WEIGHTS} lacks an array: {error}") from error
        return cls(parameters, artefact)

    def predict(self, texts: Sequence[str]) -> list[TextPrediction]:
        """One prediction for each text, in their order.

        A text without any known n-gram gets the probabilities of the intercepts: ask
        ``assess_speech`` first whether there is something to classify.
        """
        numbers = [int(number) for number in self.parameters.numbers]
        return [
            TextPrediction(dict(zip(numbers, row, strict=True)))
            for begin in range(0, len(texts), _BATCH)
            for row in self.probabilities(texts[begin : begin + _BATCH]).tolist()
        ]

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Probabilities, one row for each text, columns as ``parameters.numbers``."""
        return self.parameters.calibration.probabilities(self.margins(texts))

    def margins(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """What the linear model says before calibration; same shape as ``probabilities``."""
        counts = count_grams(texts)
        return margins(self.parameters, counts, tf_idf(counts, self._idf))

    def explain(self, text: str, segment: int) -> tuple[Evidence, ...]:
        """The words and short phrases that moved ``text`` towards ``segment``, heaviest first.

        An n-gram weighs what it adds to the margin of the segment over the others, each of them
        counted by its probability here: value * (w_s - sum of q_j w_j), q scaled to sum 1. Its
        weight falls in equal shares on its occurrences and on the words that they lie in. At
        most six spans, none negative.
        Raises ``ValueError`` for a segment that the model does not know.
        """
        column = self._column(segment)
        grams = locate_grams(text)
        if not len(grams.bucket):
            return ()
        counts = count_grams([text])
        share = tf_idf(counts, self._idf) * self._pull(counts, text, column) / counts.count
        weight = share[np.searchsorted(counts.bucket, grams.bucket)]
        words = [(match.start(), match.end()) for match in re.finditer(r"\S+", text)]
        scores = _spread_on_words(words, grams.start, grams.end, weight)
        spans = sorted(_phrases(text, words, scores), key=lambda item: (-item.weight, item.start))
        return tuple(spans[:_EVIDENCE])

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


def margins(
    parameters: Parameters, counts: Counts, values: NDArray[np.float32]
) -> NDArray[np.float64]:
    """The linear scores (texts, segments) of n-gram ``values`` that belong to ``counts``."""
    result = np.zeros((counts.texts, len(parameters.numbers)), np.float32)
    if len(counts.text):
        texts, first = np.unique(counts.text, return_index=True)
        weighted = parameters.weights[counts.bucket] * values[:, None]
        result[texts] = np.add.reduceat(weighted, first)
    return (result * parameters.scales + parameters.intercepts).astype(np.float64)


def _spread_on_words(
    words: Sequence[tuple[int, int]],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    weight: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The sum of n-gram weights on each word; one that touches two words is halved."""
    begins = np.array([word[0] for word in words], np.int64)
    ends = np.array([word[1] for word in words], np.int64)
    first = np.searchsorted(ends, start, side="right")
    last = np.searchsorted(begins, end, side="left") - 1
    half = weight / np.where(first == last, 1, 2)
    scores = np.bincount(first, half, len(words)).astype(np.float64)
    double = first != last
    scores += np.bincount(last[double], half[double], len(words))
    return scores


def _phrases(
    text: str, words: Sequence[tuple[int, int]], scores: NDArray[np.float64]
) -> Iterator[Evidence]:
    """Runs of words that clearly spoke for the segment; at most four, none across a mark."""
    threshold = max(float(scores.max(initial=0.0)) / 8, 1e-6)
    runs: list[list[int]] = []
    for place in np.flatnonzero(scores >= threshold).tolist():
        last = runs[-1] if runs else []
        follows = bool(last) and last[-1] == place - 1 and len(last) < _LONGEST_SPAN
        if follows and text[words[place - 1][1] - 1] not in _MARKS:
            last.append(place)
        else:
            runs.append([place])
    for run in runs:
        yield _evidence(text, words[run[0]][0], words[run[-1]][1], float(scores[run].sum()))


def _evidence(text: str, start: int, end: int, weight: float) -> Evidence:
    """A span without the marks around it, unless there is nothing else."""
    match = re.search(r"\w.*\w|\w", text[start:end], re.DOTALL)
    if match:
        start, end = start + match.start(), start + match.end()
    return Evidence(text[start:end], start, end, weight)

"""Fine-tuning a BERT-like encoder on labelled transcripts, and predicting with it.

The interface is that of `linear_model.TextModel`, the folder one of `artefact`: safetensors and the
tokenizer's JSON files, no pickle. PyTorch and transformers are imported when a model is trained
or loaded.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.artefact import Artefact, ArtefactError, read_artefact, write_artefact
from classifier.errors import DataError
from classifier.segments import NUMBERS
from classifier.text.linear_model import TextPrediction
from classifier.text.transformer_types import Epoch, Settings

ENCODER = "cointegrated/rubert-tiny2"
KIND = "creative-filter/transformer-text"
VERSION = 1
DEFAULTS = Settings()
HELD_OUT = 8
"""One part in this many of the families is held out for early stopping."""


def fine_tune(
    texts: Sequence[str],
    segments: Sequence[int],
    families: Sequence[int],
    *,
    encoder: str = ENCODER,
    weights_folder: Path,
    settings: Settings = DEFAULTS,
    device: str = "auto",
    threads: int = 1,
    progress: Callable[[Epoch], None] = lambda _: None,
) -> TransformerText:
    """Teach an encoder the segments; on one machine's CPU the same rows give the same model.

    `texts`: cleaned (`Speech.text`), of rows in which somebody speaks. `segments`: their canonical
    numbers. `families`: of near duplicates (`families.families`), none of which is parted between
    teaching and held-out rows.
    `encoder`: a name on the hub or a local folder; downloads are kept in `weights_folder`.
    `device`: "auto" (the GPU if there is one), "cpu" or "cuda". `threads`: of the CPU, for the
    whole process.

    The epoch with the best macro-F1 on the held-out part is kept, and a temperature is fitted
    there, so its figures are no measurement: for that keep other rows back.

    Raises ValueError for unknown segments or lists of different lengths; DataError for too few
    rows to hold any out; WeightsError for an encoder that can't be loaded.
    """
    columns = np.searchsorted(NUMBERS, segments)
    if not set(segments) <= set(NUMBERS) or not len(texts) == len(segments) == len(families):
        raise ValueError("one known segment and one family is needed for each text")
    held = held_out(columns, np.asarray(families, np.int64), settings.seed)
    from classifier.text import transformer_torch

    network, tokenizer, temperature, best = transformer_torch.run(
        transformer_torch.Rows(list(texts), columns, held),
        transformer_torch.Source(encoder, weights_folder, device, threads),
        settings,
        progress,
    )
    numbers = tuple(NUMBERS[column] for column in np.unique(columns))
    facts = {
        "encoder": encoder,
        "settings": asdict(settings),
        "best_epoch": asdict(best),
        "rows": len(texts),
        "held_out_rows": int(held.sum()),
    }
    return TransformerText(network, tokenizer, numbers, temperature, settings.tokens, facts)


def held_out(
    columns: NDArray[np.int64], families: NDArray[np.int64], seed: int
) -> NDArray[np.bool_]:
    """Which rows stop the training: an eighth of the families, each segment as evenly as can be.

    A segment that only they hold goes back to teaching, with its families.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    if len(np.unique(families)) < HELD_OUT or len(np.unique(columns)) < 2:
        raise DataError(f"at least two segments and {HELD_OUT} families of texts are needed")
    folds = StratifiedGroupKFold(HELD_OUT, shuffle=True, random_state=seed)
    held = np.zeros(len(columns), np.bool_)
    with warnings.catch_warnings():
        # Of segments with fewer rows than parts: what they may lose is given back below.
        warnings.simplefilter("ignore", UserWarning)
        held[next(folds.split(columns, columns, families))[1]] = True
    lost = held & ~np.isin(columns, columns[~held])
    held &= ~np.isin(families, families[lost])
    if not held.any():
        raise DataError("too few texts: none can be held out")
    return held


class TransformerText:
    """Predicts; safe to share between threads. Give it `Speech.text`."""

    def __init__(
        self,
        network: Any,
        tokenizer: Any,
        numbers: Sequence[int],
        temperature: float,
        tokens: int,
        facts: Mapping[str, Any],
        artefact: Artefact | None = None,
    ) -> None:
        self.numbers = tuple(numbers)
        self.temperature = temperature
        self.tokens = tokens
        self.facts = dict(facts)
        self.artefact = artefact
        self._network = network
        self._tokenizer = tokenizer
        # The tokenizer keeps its padding from call to call: two at once and it panics.
        self._lock = Lock()

    @classmethod
    def load(cls, folder: Path, *, device: str = "auto", threads: int = 1) -> TransformerText:
        """Read a model folder.

        Raises `ArtefactError` unless it is whole and of this format, WeightsError for a
        device that is not to be had.
        """
        artefact = read_artefact(folder, KIND, VERSION)
        try:
            numbers = [int(number) for number in artefact.facts["numbers"]]
            temperature = float(artefact.facts["temperature"])
            tokens = int(artefact.facts["tokens"])
        except (KeyError, TypeError, ValueError) as error:
            raise ArtefactError(folder, f"a fact about it is missing: {error}") from error
        from classifier.text import transformer_torch

        network, tokenizer = transformer_torch.load(folder, device, threads)
        if network.config.num_labels != len(numbers) or not set(numbers) <= set(NUMBERS):
            raise ArtefactError(folder, "its head does not fit the segments that it names")
        facts = artefact.facts
        return cls(network, tokenizer, numbers, temperature, tokens, facts, artefact)

    def save(self, folder: Path, facts: Mapping[str, Any]) -> Artefact:
        """Make or replace a model folder, with `facts` (JSON values) about its making."""

        def write(aside: Path) -> None:
            self._network.save_pretrained(aside)
            self._tokenizer.save_pretrained(aside)

        known = {
            "numbers": list(self.numbers),
            "temperature": self.temperature,
            "tokens": self.tokens,
        }
        return write_artefact(folder, KIND, VERSION, write, {**self.facts, **facts, **known})

    def predict(self, texts: Sequence[str]) -> list[TextPrediction]:
        """One prediction for each text, in their order; see `TextModel.predict`."""
        return [
            TextPrediction(dict(zip(NUMBERS, row, strict=True)))
            for row in self.probabilities(texts).tolist()
        ]

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Probabilities (n, 18), columns as `segments.NUMBERS`; 0 where training had no text."""
        result = np.zeros((len(texts), len(NUMBERS)))
        if len(texts):
            scores = self.margins(texts) / self.temperature
            powers = np.exp(scores - scores.max(axis=1, keepdims=True))
            known = np.searchsorted(NUMBERS, self.numbers)
            result[:, known] = powers / powers.sum(axis=1, keepdims=True)
        return result

    def margins(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """What the head says before calibration, (n, len(numbers))."""
        from classifier.text import transformer_torch

        with self._lock:
            return transformer_torch.scores(self._network, self._tokenizer, texts, self.tokens)

"""A BERT-like encoder, fine-tuned on labelled transcripts.

It predicts like `linear_model.TextModel`. Its model folder (`artefact`) has safetensors and the
tokenizer's JSON files, no pickle. PyTorch and transformers are imported when a model is trained or
loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.artefact import Artefact, ArtefactError, read_artefact, write_artefact
from classifier.errors import TooFewRowsError
from classifier.segments import columns_of, union
from classifier.text.families import grouped_folds, segments_in_several
from classifier.text.linear_model import TextPrediction
from classifier.text.transformer_types import Epoch, Settings

ENCODER = "cointegrated/rubert-tiny2"
KIND = "creative-filter/transformer-text"
VERSION = 1
DEFAULTS = Settings()
HELD_OUT = 8
"""One in this many families is held out for early stopping."""


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
    """Fine-tune an encoder; on the CPU of one machine the same rows give the same model.

    The result is the epoch with the best macro-F1 on the held-out rows, with a temperature that is
    fitted on them. So figures on the held-out rows are too good: evaluate on other rows.

    Args:
        texts: Cleaned texts (`Speech.text`) of rows with speech.
        segments: The canonical segment number of each text.
        families: The number of each text's family of near duplicates (`families.families`). A
            family is either used for training or held out as a whole.
        encoder: A name on the hub or a local folder.
        weights_folder: The folder in which downloads are cached.
        settings: The hyperparameters.
        device: "auto" (the GPU if there is one), "cpu" or "cuda".
        threads: The number of CPU threads for the whole process.
        progress: Called after each epoch.

    Raises:
        ValueError: The lists have different lengths, or `settings.epochs` is less than 1.
        TooFewRowsError: There are too few segments, families or texts to hold any out.
        WeightsError: The encoder can't be loaded.
    """
    if not len(texts) == len(segments) == len(families):
        raise ValueError("one segment and one family is needed for each text")
    numbers = union(segments)
    columns = columns_of(numbers, segments)
    is_held_out = held_out(columns, np.asarray(families, np.int64), settings.seed)
    from classifier.text import transformer_torch

    network, tokenizer, temperature, best = transformer_torch.train_network(
        transformer_torch.Rows(list(texts), columns, is_held_out),
        transformer_torch.Source(encoder, weights_folder, device, threads),
        settings,
        progress,
    )
    facts = {
        "encoder": encoder,
        "settings": asdict(settings),
        "best_epoch": asdict(best),
        "rows": len(texts),
        "held_out_rows": int(is_held_out.sum()),
    }
    return TransformerText(network, tokenizer, numbers, temperature, settings.tokens, facts)


def held_out(
    columns: NDArray[np.int64], families: NDArray[np.int64], seed: int
) -> NDArray[np.bool_]:
    """Return which rows are held out for early stopping, (rows,): an eighth of the families.

    Segments are stratified. Families with a segment that would have no training rows are used for
    training instead.

    Args:
        columns: The index of each row's segment, (rows,).
        families: The family of each row, (rows,).
        seed: The seed of the random split.

    Raises:
        TooFewRowsError: There are too few segments, families or texts.
    """
    family_count, segments = len(np.unique(families)), segments_in_several(columns, families)
    if family_count >= HELD_OUT and segments >= 2:
        folds = grouped_folds(columns, families, HELD_OUT, seed)
        for fold in range(HELD_OUT):
            is_held_out: NDArray[np.bool_] = folds == fold
            lost = is_held_out & ~np.isin(columns, columns[~is_held_out])
            is_held_out &= ~np.isin(families, families[lost])
            if is_held_out.any():
                return is_held_out
    raise TooFewRowsError(family_count, segments, HELD_OUT)


class TransformerText:
    """Predicts segments from `Speech.text`. Thread-safe."""

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
        # The tokenizer stores the padding of a call and panics if two threads call it at once.
        self._lock = Lock()

    @classmethod
    def load(cls, folder: Path, *, device: str = "auto", threads: int = 1) -> TransformerText:
        """Read a model folder.

        Raises:
            ArtefactError: The folder is damaged or of another format.
            WeightsError: The device is not available.
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
        if network.config.num_labels != len(numbers) or numbers != sorted(set(numbers)):
            raise ArtefactError(folder, "its head does not fit the segments that it names")
        facts = artefact.facts
        return cls(network, tokenizer, numbers, temperature, tokens, facts, artefact)

    def save(self, folder: Path, facts: Mapping[str, Any]) -> Artefact:
        """Create or replace a model folder, with `facts` (JSON values) about the training."""

        def write(aside: Path) -> None:
            self._network.save_pretrained(aside)
            self._tokenizer.save_pretrained(aside)

        model_facts = {
            "numbers": list(self.numbers),
            "temperature": self.temperature,
            "tokens": self.tokens,
        }
        return write_artefact(folder, KIND, VERSION, write, {**self.facts, **facts, **model_facts})

    def predict(self, texts: Sequence[str]) -> list[TextPrediction]:
        """Return one prediction for each text, in the order of `texts`."""
        return [
            TextPrediction(dict(zip(self.numbers, row, strict=True)))
            for row in self.probabilities(texts).tolist()
        ]

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return probabilities, (texts, segments), columns as `numbers`."""
        if not len(texts):
            return np.zeros((0, len(self.numbers)))
        scores = self.margins(texts) / self.temperature
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        result: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
        return result

    def margins(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the logits before calibration, (texts, segments), columns as `numbers`."""
        from classifier.text import transformer_torch

        with self._lock:
            return transformer_torch.scores(self._network, self._tokenizer, texts, self.tokens)

"""The part of `transformer` that needs PyTorch, imported only when a model is trained or loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from classifier.artefact import ArtefactError
from classifier.errors import WeightsCode, WeightsError
from classifier.evaluation.metrics import macro_f1
from classifier.hub import arguments, device_of, loading
from classifier.text.transformer_types import Epoch, Settings

_BATCH = 32
_WEIGHT_DECAY = 0.01
_GRADIENT_CLIP = 1.0  # the largest norm of the gradient, as for BERT (Devlin et al. 2019)
_WARM_UP = 0.1  # of all steps
_TEMPERATURES = np.geomspace(0.25, 8.0, 201)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Texts, their labels as any integers, and which of them are held out; arrays are (texts,)."""

    texts: list[str]
    labels: NDArray[np.int64]
    is_held_out: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Source:
    """The encoder to fine-tune, and the device and threads to run on."""

    encoder: str
    weights_folder: Path
    device: str
    threads: int


def load(folder: Path, device: str, threads: int) -> tuple[Any, Any]:
    """Load network and tokenizer of a verified model folder.

    Raises:
        ArtefactError: The folder has no usable transformer.
        WeightsError: The device is not available.
    """
    torch.set_num_threads(threads)
    where = {"local_files_only": True, "use_safetensors": True}
    try:
        with loading("transformers", str(folder)):
            network, tokenizer, missing = _read(str(folder), where)
    except WeightsError as error:
        raise ArtefactError(folder, f"it holds no usable transformer: {error}") from error
    if missing:
        raise ArtefactError(folder, f"its weights lack {missing[0]}")
    with loading("transformers", str(folder)):
        return network.to(device_of(device)).eval(), tokenizer


def _read(model: str, where: dict[str, Any], **config: Any) -> tuple[Any, Any, list[str]]:
    tokenizers: Any = AutoTokenizer
    tokenizer = tokenizers.from_pretrained(model, **where)
    networks: Any = AutoModelForSequenceClassification
    network, report = networks.from_pretrained(model, output_loading_info=True, **where, **config)
    return network, tokenizer, sorted([*report["missing_keys"], *report["mismatched_keys"]])


def _encoder(source: Source, labels: int) -> tuple[Any, Any]:
    """Load the encoder with a new head for `labels` labels, and its tokenizer."""
    where = arguments(source.encoder, source.weights_folder)
    with loading("transformers", source.encoder):
        network, tokenizer, missing = _read(
            source.encoder, where, num_labels=labels, dtype=torch.float32
        )
        # Head and pooler may be new. Other missing weights would silently stay random.
        prefix = f"{network.base_model_prefix}."
        lost = [key for key in missing if key.startswith(prefix) and ".pooler." not in key]
        if lost:
            facts = {"model": source.encoder, "missing": lost[0]}
            raise WeightsError(WeightsCode.INCOMPLETE, facts)
        return network.to(device_of(source.device)), tokenizer


def train_network(
    rows: Rows, source: Source, settings: Settings, progress: Callable[[Epoch], None]
) -> tuple[Any, Any, float, Epoch]:
    """Fine-tune; return network, tokenizer, temperature and the best epoch on the held-out rows."""
    torch.set_num_threads(source.threads)
    names, labels = np.unique(rows.labels, return_inverse=True)
    # The caller's random state must not change.
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        network, tokenizer = _encoder(source, len(names))
        training_rows = np.flatnonzero(~rows.is_held_out)
        counts = np.bincount(labels[training_rows], minlength=len(names))
        weight = torch.tensor(len(training_rows) / (len(names) * counts), dtype=torch.float32)
        loop = _TrainingLoop(
            network, tokenizer, [rows.texts[row] for row in training_rows], labels[training_rows],
            weight.to(network.device), settings,
        )  # fmt: skip
        outside = np.flatnonzero(rows.is_held_out)
        texts = [rows.texts[row] for row in outside]
        best, margins = _best_epoch(loop, texts, labels[outside], progress)
    return network.eval(), tokenizer, _temperature(margins, labels[outside]), best


class _TrainingLoop:
    """The network in training, with its optimiser and learning rate schedule."""

    def __init__(
        self,
        network: Any,
        tokenizer: Any,
        texts: list[str],
        labels: NDArray[np.int64],
        weight: torch.Tensor,
        settings: Settings,
    ) -> None:
        self.network, self.tokenizer = network, tokenizer
        self.texts, self.labels, self.weight = texts, labels, weight
        self.settings = settings
        self._order = np.random.default_rng(settings.seed)
        self._optimiser = torch.optim.AdamW(
            network.parameters(), settings.learning_rate, weight_decay=_WEIGHT_DECAY
        )
        steps = settings.epochs * -(-len(texts) // settings.batch)
        rise = max(1, round(_WARM_UP * steps))
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._optimiser,
            lambda step: min((step + 1) / rise, (steps - step) / max(1, steps - rise)),
        )

    def run_epoch(self) -> float:
        """Train on every row once and return the mean loss."""
        self.network.train()
        order = self._order.permutation(len(self.texts)).tolist()
        total = 0.0
        for begin in range(0, len(order), self.settings.batch):
            batch = order[begin : begin + self.settings.batch]
            inputs = _inputs(
                self.network,
                self.tokenizer,
                [self.texts[row] for row in batch],
                self.settings.tokens,
            )
            target = torch.from_numpy(self.labels[batch]).to(self.network.device)
            loss = functional.cross_entropy(
                self.network(**inputs).logits.float(), target, self.weight
            )
            self._optimiser.zero_grad()
            gradients: Any = loss
            gradients.backward()
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), _GRADIENT_CLIP)
            self._optimiser.step()
            self._schedule.step()
            total += float(loss.detach()) * len(batch)
        return total / len(order)


def _best_epoch(
    loop: _TrainingLoop,
    texts: list[str],
    labels: NDArray[np.int64],
    progress: Callable[[Epoch], None],
) -> tuple[Epoch, NDArray[np.float64]]:
    """Train with early stopping and restore the best epoch; return it with its held-out logits."""
    settings, network = loop.settings, loop.network
    best: tuple[Epoch, NDArray[np.float64], dict[str, torch.Tensor]] | None = None
    for number in range(1, settings.epochs + 1):
        loss = loop.run_epoch()
        margins = scores(network, loop.tokenizer, texts, settings.tokens)
        epoch = Epoch(
            number,
            settings.epochs,
            loss,
            _log_loss(margins, labels),
            macro_f1(labels, margins.argmax(axis=1)),
        )
        progress(epoch)
        if best is None or _rank(epoch) > _rank(best[0]):
            state = {key: value.detach().clone() for key, value in network.state_dict().items()}
            best = epoch, margins, state
        elif number - best[0].number >= settings.patience:
            break
    if best is None:
        raise ValueError("at least one epoch is needed")
    network.load_state_dict(best[2])
    return best[0], best[1]


def _rank(epoch: Epoch) -> tuple[float, float]:
    return epoch.held_out_macro_f1, -epoch.held_out_loss


def scores(network: Any, tokenizer: Any, texts: Sequence[str], tokens: int) -> NDArray[np.float64]:
    """Return the logits, (texts, labels). Batches have texts of similar length to save padding."""
    network.eval()
    result = np.zeros((len(texts), network.config.num_labels))
    for places in _by_length(texts):
        inputs = _inputs(network, tokenizer, [texts[place] for place in places], tokens)
        with torch.inference_mode():
            result[places] = network(**inputs).logits.double().cpu().numpy()
    return result


def _by_length(texts: Sequence[str]) -> Iterator[list[int]]:
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    for begin in range(0, len(order), _BATCH):
        yield order[begin : begin + _BATCH]


def _inputs(network: Any, tokenizer: Any, texts: list[str], tokens: int) -> Any:
    # Less two, because RoBERTa numbers positions from the padding token's number plus one.
    positions = getattr(network.config, "max_position_embeddings", tokens + 2)
    most = min(tokens, tokenizer.model_max_length, positions - 2)
    encoded = tokenizer(texts, truncation=True, max_length=most, padding=True, return_tensors="pt")
    return encoded.to(network.device)


def _log_loss(
    margins: NDArray[np.float64], labels: NDArray[np.int64], temperature: float = 1.0
) -> float:
    scaled = margins / temperature
    top = scaled.max(axis=1, keepdims=True)
    logarithms = scaled - top - np.log(np.exp(scaled - top).sum(axis=1, keepdims=True))
    return float(-logarithms[np.arange(len(labels)), labels].mean())


def _temperature(margins: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Return the temperature with the least log loss (Guo et al. 2017)."""
    losses = [_log_loss(margins, labels, float(value)) for value in _TEMPERATURES]
    return round(float(_TEMPERATURES[int(np.argmin(losses))]), 4)

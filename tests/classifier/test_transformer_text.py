"""Fine-tuning of a small generated BERT with its own tokenizer; nothing is downloaded."""

from __future__ import annotations

import importlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from classifier.artefact import MANIFEST, ArtefactError, write_artefact
from classifier.errors import WeightsError
from classifier.segments import NUMBERS
from classifier.text.linear_model import TextPrediction
from classifier.text.transformer import KIND, VERSION, TransformerText, fine_tune, held_out
from classifier.text.transformer_types import Epoch, Settings
from tests.sentences import sentence_of
from tests.small_bert import TOPICS, Toy, save_encoder, toy

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = Settings(epochs=12, patience=3, batch=16, learning_rate=3e-3, tokens=32)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "small-bert"
    save_encoder(folder)
    return folder


def train_toy(
    rows: Toy, encoder: Path, settings: Settings = SETTINGS, epochs: list[Epoch] | None = None
) -> TransformerText:
    return fine_tune(
        rows.texts, rows.segments, rows.families, encoder=str(encoder),
        weights_folder=encoder.parent, settings=settings, device="cpu",
        progress=(epochs if epochs is not None else []).append,
    )  # fmt: skip


@dataclass(frozen=True)
class Trained:
    model: TransformerText
    epochs: list[Epoch]


@pytest.fixture(scope="module")
def trained(encoder: Path) -> Trained:
    epochs: list[Epoch] = []
    return Trained(train_toy(toy(240, seed=1), encoder, epochs=epochs), epochs)


@pytest.fixture
def saved(trained: Trained, tmp_path: Path) -> Path:
    trained.model.save(tmp_path / "model", {"licence": "toy"})
    return tmp_path / "model"


def recall(segments: Sequence[int], predictions: Sequence[TextPrediction], segment: int) -> float:
    right = [p.segment == s for p, s in zip(predictions, segments, strict=True) if s == segment]
    return sum(right) / len(right)


def test_fine_tuned_model_predicts_its_segments(trained: Trained) -> None:
    """The recall is high for frequent and rare segments; random predictions would give 1/4."""
    rows = toy(200, seed=2)
    predictions = trained.model.predict(rows.texts)
    for segment in TOPICS:
        assert recall(rows.segments, predictions, segment) > 0.8
    for prediction in predictions:
        assert tuple(prediction.probabilities) == tuple(sorted(TOPICS))
        assert sum(prediction.probabilities.values()) == pytest.approx(1)


def test_progress_is_reported_and_the_best_epoch_is_restored(trained: Trained) -> None:
    epochs = trained.epochs
    assert [epoch.number for epoch in epochs] == list(range(1, len(epochs) + 1))
    assert epochs[-1].training_loss < epochs[0].training_loss
    best = max(epochs, key=lambda epoch: (epoch.held_out_macro_f1, -epoch.held_out_loss))
    assert trained.model.facts["best_epoch"]["number"] == best.number
    assert str(best).startswith(f"epoch {best.number} of at most {SETTINGS.epochs}: loss ")


def test_the_model_is_that_of_the_best_epoch(encoder: Path) -> None:
    """The learning rate is so large that later epochs are worse."""
    epochs: list[Epoch] = []
    rows = toy(60, seed=3)
    model = train_toy(rows, encoder, Settings(8, 3, 16, 0.3, 32), epochs)
    best = model.facts["best_epoch"]
    assert best["number"] < len(epochs)
    columns = np.searchsorted(model.numbers, rows.segments)
    mask = held_out(np.searchsorted(NUMBERS, rows.segments), np.array(rows.families), seed=0)
    margins = model.margins(np.array(rows.texts)[mask].tolist())
    losses = np.log(np.exp(margins).sum(axis=1)) - margins[np.arange(len(margins)), columns[mask]]
    assert losses.mean() == pytest.approx(best["held_out_loss"], rel=1e-4)


def test_training_ends_without_improvement(encoder: Path) -> None:
    """A tiny or a huge learning rate improves nothing, so training ends by ``patience``."""
    epochs: list[Epoch] = []
    train_toy(toy(60, seed=3), encoder, Settings(8, 2, 16, 1e-12, 32), epochs)
    best = max(epochs, key=lambda epoch: (epoch.held_out_macro_f1, -epoch.held_out_loss))
    assert len(epochs) == min(8, best.number + 2)
    again: list[Epoch] = []
    train_toy(toy(60, seed=3), encoder, Settings(8, 1, 16, 10.0, 32), again)
    assert len(again) < 8


def test_same_seed_gives_the_same_model(encoder: Path) -> None:
    import torch

    rows, settings = toy(60, seed=4), Settings(2, 2, 16, 1e-3, 32)
    torch.manual_seed(123)
    state = torch.random.get_rng_state()
    first = train_toy(rows, encoder, settings).probabilities(rows.texts)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(456)
    assert np.array_equal(train_toy(rows, encoder, settings).probabilities(rows.texts), first)
    other = Settings(2, 2, 16, 1e-3, 32, seed=1)
    assert not np.array_equal(train_toy(rows, encoder, other).probabilities(rows.texts), first)


def test_segments_have_equal_weight_regardless_of_frequency(encoder: Path) -> None:
    """Uninformative texts, nine in ten of one segment, must give similar probabilities."""
    rows = Toy(["в на только сегодня"] * 200, [0, *[4] * 9] * 20, list(range(200)))
    prediction = train_toy(rows, encoder, Settings(4, 4, 16, 1e-3, 32)).predict(rows.texts[:1])[0]
    assert 0.3 < prediction.probabilities[0] < 0.7


def test_saved_model_gives_identical_probabilities(trained: Trained, saved: Path) -> None:
    texts = toy(50, seed=5).texts
    again = TransformerText.load(saved, device="cpu")
    assert np.array_equal(again.probabilities(texts), trained.model.probabilities(texts))
    assert again.facts["licence"] == "toy"
    assert again.artefact is not None
    assert "model.safetensors" in again.artefact.files
    assert {Path(name).suffix for name in again.artefact.files} == {".json", ".safetensors"}


def test_saved_model_is_loaded_offline(trained: Trained, saved: Path) -> None:
    code = (
        "import sys; from pathlib import Path;"
        "from classifier.text.transformer import TransformerText;"
        "model = TransformerText.load(Path(sys.argv[1]), device='cpu');"
        "print(model.predict(['доставка на дом, привезём сегодня'])[0].segment)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(saved)],
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "4"


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_flipped_byte_is_refused(saved: Path, name: str) -> None:
    raw = bytearray((saved / name).read_bytes())
    raw[-2] ^= 1
    (saved / name).write_bytes(raw)
    with pytest.raises(ArtefactError, match="sha256"):
        TransformerText.load(saved)


def test_missing_facts_and_other_versions_are_refused(saved: Path) -> None:
    manifest = json.loads((saved / MANIFEST).read_text(encoding="utf-8"))
    del manifest["facts"]["temperature"]
    (saved / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ArtefactError, match="temperature"):
        TransformerText.load(saved)
    manifest["version"] = VERSION + 1
    (saved / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ArtefactError, match="format"):
        TransformerText.load(saved)


def test_pickle_instead_of_weights_is_refused(trained: Trained, tmp_path: Path) -> None:
    """All digests of the folder match, but its weights are a PyTorch pickle."""
    import torch

    def write(folder: Path) -> None:
        trained.model._tokenizer.save_pretrained(folder)
        trained.model._network.config.save_pretrained(folder)
        torch.save(trained.model._network.state_dict(), folder / "pytorch_model.bin")

    facts = {"numbers": list(TOPICS), "temperature": 1.0, "tokens": 32}
    write_artefact(tmp_path / "foreign", KIND, VERSION, write, facts)
    with pytest.raises(ArtefactError, match="no usable transformer"):
        TransformerText.load(tmp_path / "foreign")


def test_head_of_another_size_is_refused(trained: Trained, tmp_path: Path) -> None:
    trained.model.save(tmp_path / "model", {})
    path = tmp_path / "model" / MANIFEST
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["facts"]["numbers"] = [0, 4, 7]
    path.write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ArtefactError, match="does not fit"):
        TransformerText.load(tmp_path / "model")


def test_no_text_empty_text_and_very_long_text(trained: Trained) -> None:
    assert trained.model.predict([]) == []
    empty, long = trained.model.predict(["", "доставка курьер " * 500])
    assert sum(empty.probabilities.values()) == pytest.approx(1)
    assert long.segment == 4


def test_model_is_thread_safe(trained: Trained) -> None:
    rows = toy(64, seed=6)
    expected = trained.model.probabilities(rows.texts)
    equal: list[bool] = []

    def ask() -> None:
        for _ in range(3):
            equal.append(np.array_equal(trained.model.probabilities(rows.texts), expected))

    started = [threading.Thread(target=ask) for _ in range(4)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    assert equal == [True] * 12


def test_held_out_keeps_families_together_and_loses_no_segment() -> None:
    random = np.random.default_rng(0)
    families = random.integers(0, 60, 300)
    columns = random.integers(0, 4, 300)
    columns[families == 7] = 9  # a segment with a single family, which must not be held out
    is_held_out = held_out(columns, families, seed=0)
    assert 0.05 < is_held_out.mean() < 0.25
    assert not set(families[is_held_out]) & set(families[~is_held_out])
    assert set(columns) == set(columns[~is_held_out])
    for seed in range(8):
        assert not held_out(columns, families, seed)[families == 7].any()


def test_rows_are_held_out_even_if_each_segment_has_few() -> None:
    columns = np.arange(20) % 4
    is_held_out = held_out(columns, np.arange(20), seed=0)
    assert 0 < is_held_out.sum() < 5
    assert set(columns) == set(columns[~is_held_out])


@pytest.mark.parametrize(
    ("segments", "families", "message"),
    [
        ([0] * 20, list(range(20)), "20 families .* 1 segments .* at least 8 and 2"),
        ([0, 4] * 10, [0] * 20, "1 families .* at least 8 and 2"),
        ([*NUMBERS, 0, 0], [*range(18), 0, 0], "18 families .* 0 segments"),
        ([0, 4] * 9, list(range(18)), "one segment"),
    ],
)
def test_unsuitable_rows_are_refused(
    encoder: Path, segments: list[int], families: list[int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        train_toy(Toy(["текст"] * 20, segments, families), encoder)


def test_missing_encoder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no_model_folder") as error:
        train_toy(toy(60, seed=7), tmp_path / "none")
    assert sentence_of(error.value, "ru").startswith("Нет папки")


def test_encoder_with_a_missing_layer_is_refused(encoder: Path, tmp_path: Path) -> None:
    import shutil

    from safetensors.torch import load_file, save_file

    shutil.copytree(encoder, tmp_path / "lost")
    weights = load_file(tmp_path / "lost" / "model.safetensors")
    del weights["encoder.layer.0.output.dense.weight"]
    save_file(weights, tmp_path / "lost" / "model.safetensors", {"format": "pt"})
    with pytest.raises(
        WeightsError,
        match=r"weights_incomplete: .*missing .*encoder\.layer\.0\.output\.dense\.weight",
    ):
        train_toy(toy(60, seed=7), tmp_path / "lost")


@pytest.fixture
def silent_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A hub that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        yield


@pytest.mark.usefixtures("silent_hub")
def test_hub_that_does_not_answer_is_reported_within_ten_seconds(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    importlib.import_module("classifier.text.transformer_torch")  # takes seconds itself
    began = time.monotonic()
    with pytest.raises(WeightsError, match="model_not_loaded"):
        fine_tune(["раз", "два"] * 10, [0, 4] * 10, range(20), weights_folder=tmp_path)
    assert time.monotonic() - began < 10
    assert "etry" not in capfd.readouterr().err


def test_unreachable_hub_is_reported_in_both_languages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match="model_not_loaded") as error:
        fine_tune(["раз", "два"] * 10, [0, 4] * 10, range(20), weights_folder=tmp_path)
    english, russian = sentence_of(error.value, "en"), sentence_of(error.value, "ru")
    assert "cannot load the model “cointegrated/rubert-tiny2”" in english
    assert "не может загрузить модель «cointegrated/rubert-tiny2»" in russian

"""The stack, on generated opinions of channels that are reliable for different segments."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.artefact import ArtefactError, write_artefact
from classifier.channels import PICTURES, SCREEN, SPEECH
from classifier.decision.bundle import Bundle
from classifier.decision.fusion import Fusion, Opinions, pool
from classifier.decision.stacking import KIND, VERSION, Stack, train
from classifier.decision.types import SpotFeatures
from classifier.segments import NUMBERS
from classifier.types import Probabilities
from tests.bundles import SHAPE, held_out, small_parts

# Columns of the segments 1, 4, 12 and 16. Speech is reliable for the first two, the screen for
# the others.
KNOWN = (1, 4, 11, 15)
OFTEN = 0.85


@dataclass(frozen=True)
class Creatives:
    """Generated creatives: opinions, features, and the columns of their segments."""

    opinions: Opinions
    features: list[SpotFeatures]
    columns: NDArray[np.int64]

    def without(self, channel: str, rows: NDArray[np.bool_]) -> Opinions:
        probabilities = self.opinions.probabilities[channel].copy()
        probabilities[rows] = np.nan
        return Opinions(NUMBERS, {**self.opinions.probabilities, channel: probabilities})


def make_creatives(count: int, seed: int) -> Creatives:
    """Generate creatives.

    A channel is mostly correct for its own segments. For others it is random, but more confident.
    """
    dice = np.random.default_rng(seed)
    columns = np.array(KNOWN)[dice.integers(0, len(KNOWN), count)]

    def channel(field: tuple[int, ...]) -> Probabilities:
        guess = np.array(KNOWN)[dice.integers(0, len(KNOWN), count)]
        correct = np.isin(columns, field) & (dice.random(count) < OFTEN)
        confidence = np.where(np.isin(columns, field), 0.6, 0.8)
        probabilities: Probabilities = (
            dice.dirichlet(np.full(len(NUMBERS), 0.5), count) * (1 - confidence)[:, None]
        )
        probabilities[np.arange(count), np.where(correct, columns, guess)] += confidence
        return probabilities

    opinions = Opinions(NUMBERS, {SPEECH: channel(KNOWN[:2]), SCREEN: channel(KNOWN[2:])})
    advertisers = dice.choice(["bank", "shop"], count)
    features = [
        SpotFeatures(speech="есть", advertiser=advertiser, shape=SHAPE if place % 2 else None)
        for place, advertiser in enumerate(advertisers.tolist())
    ]
    return Creatives(opinions, features, columns)


def accuracy_of(probabilities: Probabilities, columns: NDArray[np.int64]) -> float:
    return float((probabilities.argmax(axis=1) == columns).mean())


@pytest.fixture(scope="module")
def training_data() -> Creatives:
    return make_creatives(500, seed=1)


@pytest.fixture(scope="module")
def stack(training_data: Creatives) -> Stack:
    return train(training_data.opinions, training_data.features, training_data.columns)


@pytest.fixture(scope="module")
def new_data() -> Creatives:
    return make_creatives(300, seed=2)


def test_stack_learns_where_each_channel_is_reliable(stack: Stack, new_data: Creatives) -> None:
    pooled = accuracy_of(pool(new_data.opinions, Fusion()), new_data.columns)
    stacked = accuracy_of(
        stack.probabilities(new_data.opinions, new_data.features), new_data.columns
    )
    assert stacked > 0.8 > pooled + 0.1
    for channel in (SPEECH, SCREEN):
        assert (
            stacked > accuracy_of(new_data.opinions.probabilities[channel], new_data.columns) + 0.1
        )


def test_only_segments_of_the_training_data_have_a_probability(
    stack: Stack, new_data: Creatives
) -> None:
    probabilities = stack.probabilities(new_data.opinions, new_data.features)
    known = np.isin(np.arange(len(NUMBERS)), KNOWN)
    assert probabilities.shape == (300, len(NUMBERS))
    assert probabilities.sum(axis=1) == pytest.approx(1)
    assert (probabilities[:, known] > 0).all()
    assert (probabilities[:, ~known] == 0).all()


def test_stack_abstains_on_segments_that_it_never_learned(
    stack: Stack, new_data: Creatives
) -> None:
    """They keep their pooled probability, and the stack divides the rest."""
    opinions, features = new_data.opinions, new_data.features
    known = np.isin(np.arange(len(NUMBERS)), KNOWN)
    pooled = np.random.default_rng(0).dirichlet(np.ones(len(NUMBERS)), len(features))
    pooled[0] = np.nan
    fused = stack.fuse(pooled, opinions, features)
    assert np.isnan(fused[0]).all()
    assert fused[1:].sum(axis=1) == pytest.approx(1)
    assert fused[1:, ~known] == pytest.approx(pooled[1:, ~known])
    alone = stack.probabilities(opinions, features)[1:, known]
    share = fused[1:, known] / fused[1:, known].sum(axis=1, keepdims=True)
    assert share == pytest.approx(alone)


def test_missing_channel_is_accepted(stack: Stack, new_data: Creatives) -> None:
    """Without the screen, which all training creatives had, speech still predicts its segments."""
    all_rows = np.ones(300, np.bool_)
    without_screen = stack.probabilities(new_data.without(SCREEN, all_rows), new_data.features)
    assert without_screen.sum(axis=1) == pytest.approx(1)
    spoken = np.isin(new_data.columns, KNOWN[:2])
    assert accuracy_of(without_screen[spoken], new_data.columns[spoken]) > 0.6
    absent = Opinions(NUMBERS, {SPEECH: new_data.opinions.probabilities[SPEECH]})
    assert np.array_equal(stack.probabilities(absent, new_data.features), without_screen)


def test_training_without_channels_shape_and_advertiser(new_data: Creatives) -> None:
    some = np.arange(300) % 3 == 0
    without_screen = new_data.without(SCREEN, some)
    without_features = [SpotFeatures() for _ in new_data.features]
    with_pictures = Opinions(
        NUMBERS, {**without_screen.probabilities, PICTURES: np.full((300, len(NUMBERS)), np.nan)}
    )
    trained = train(with_pictures, without_features, new_data.columns)
    probabilities = trained.probabilities(with_pictures, without_features)
    assert np.isfinite(probabilities).all()
    assert accuracy_of(probabilities[~some], new_data.columns[~some]) > 0.8
    assert np.array_equal(trained.probabilities(without_screen, without_features), probabilities)


def test_advertiser_decides_if_the_channels_are_uncertain(training_data: Creatives) -> None:
    doubt = np.full((500, len(NUMBERS)), 1 / len(NUMBERS))
    columns = np.where([one.advertiser == "bank" for one in training_data.features], 11, 1)
    trained = train(Opinions(NUMBERS, {SPEECH: doubt}), training_data.features, columns)
    one = Opinions(NUMBERS, {SPEECH: doubt[:1]})
    for advertiser, place in (("bank", 11), ("shop", 1)):
        [probabilities] = trained.probabilities(one, [SpotFeatures(advertiser=advertiser)])
        assert probabilities.argmax() == place
        assert probabilities[place] > 0.8
    for unknown in ("Новый рекламодатель", "?", "😀 «»"):
        features = SpotFeatures(advertiser=unknown, brand=unknown, media_type=unknown)
        assert trained.probabilities(one, [features]).sum() == pytest.approx(1)


def test_prediction_depends_neither_on_the_batch_nor_on_channel_order(
    stack: Stack, new_data: Creatives
) -> None:
    together = stack.probabilities(new_data.opinions, new_data.features)
    reverse = Opinions(NUMBERS, dict(reversed(list(new_data.opinions.probabilities.items()))))
    assert np.array_equal(stack.probabilities(reverse, new_data.features), together)
    for row in (0, 7, 299):
        alone = Opinions(
            NUMBERS, {n: values[[row]] for n, values in new_data.opinions.probabilities.items()}
        )
        [probabilities] = stack.probabilities(alone, [new_data.features[row]])
        assert probabilities == pytest.approx(together[row])


def test_same_creatives_give_the_same_stack(
    stack: Stack, training_data: Creatives, new_data: Creatives
) -> None:
    again = train(training_data.opinions, training_data.features, training_data.columns)
    for one in (new_data, training_data):
        assert np.array_equal(
            again.probabilities(one.opinions, one.features),
            stack.probabilities(one.opinions, one.features),
        )


def test_saved_stack_gives_identical_probabilities(
    stack: Stack, new_data: Creatives, tmp_path: Path
) -> None:
    artefact = stack.save(tmp_path / "stack")
    assert set(artefact.files) == {"model.cbm"}
    again = Stack.load(tmp_path / "stack", len(NUMBERS))
    assert np.array_equal(
        again.probabilities(new_data.opinions, new_data.features),
        stack.probabilities(new_data.opinions, new_data.features),
    )


def test_bundle_predicts_with_its_stack(tmp_path: Path) -> None:
    """The stack is trained to predict by the advertiser and to ignore speech."""
    parts = small_parts()
    features = [
        SpotFeatures(speech="скидка на сыр", advertiser=name) for name in ("bank", "shop") * 40
    ]
    opinions = parts.opinions(features)
    stack = train(opinions, features, np.array([11, 0] * 40))
    held = held_out((1, 100, 0.75, 100, 11), (2, 100, 0.75, 100, 11))
    replace(parts, stack=stack, held_out=held).save(tmp_path / "model", {}, "card")
    bundle = Bundle.load(tmp_path / "model")
    assert bundle.facts["fusion"]["method"] == "stack"
    bank, shop, nothing = bundle.predict([*features[:2], SpotFeatures(advertiser="bank")])
    assert (bank.segment, shop.segment, nothing.segment) == (NUMBERS[11], NUMBERS[0], None)
    assert (shop.decision, shop.conflict) == ("auto", False)
    assert (bank.decision, bank.conflict) == ("review", True)
    pooled = Bundle(parts).predict(features[:1])
    assert pooled[0].segment == 0


def trees(width: int, labels: list[Any], categories: int = 3, regress: bool = False) -> bytes:
    """Return a CatBoost model file: ``width`` features, the last ``categories`` categorical."""
    from catboost import CatBoostClassifier, CatBoostRegressor  # type: ignore[import-untyped]

    plain = np.random.default_rng(0).normal(size=(60, width - categories)).tolist()
    table = [[*row, *("?" * categories)] for row in plain]
    kind = CatBoostRegressor if regress else CatBoostClassifier
    machine = kind(
        cat_features=list(range(width - categories, width)), iterations=2,
        allow_writing_files=False, verbose=False,
    )  # fmt: skip
    machine.fit(table, labels)
    return bytes(machine._serialize_model())


WIDTH = 3 * len(NUMBERS) + 11 + 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda: pickle.dumps({"a": print}), "cannot be used"),
        (lambda: b"", "cannot be used"),
        (lambda: b"CBM1" + bytes(64), "cannot be used"),
        (lambda: io.BytesIO(trees(WIDTH, [1, 4, 11] * 20)).read(100), "cannot be used"),
        (lambda: trees(WIDTH - 1, [1, 4, 11] * 20), "such features"),
        (lambda: trees(WIDTH, [1, 4, 11] * 20, categories=0), "such features"),
        (lambda: trees(WIDTH, [1, 4, 18] * 20), "these segments"),
        (lambda: trees(WIDTH, ["a", "b", "c"] * 20), "these segments"),
        (lambda: trees(WIDTH, [0.5, 1.5, 2.5] * 20, regress=True), "these segments"),
    ],
)
def test_unsuitable_model_file_is_refused(
    tmp_path: Path, content: Callable[[], bytes], message: str
) -> None:
    def write(folder: Path) -> None:
        (folder / "model.cbm").write_bytes(content())

    write_artefact(tmp_path / "stack", KIND, VERSION, write, {})
    with pytest.raises(ArtefactError, match=message):
        Stack.load(tmp_path / "stack", len(NUMBERS))


def test_suitable_model_file_is_accepted(tmp_path: Path) -> None:
    def write(folder: Path) -> None:
        (folder / "model.cbm").write_bytes(trees(WIDTH, [1, 4, 11] * 20))

    write_artefact(tmp_path / "stack", KIND, VERSION, write, {})
    assert Stack.load(tmp_path / "stack", len(NUMBERS)).machine.classes_.tolist() == [1, 4, 11]

"""Trees over what the channels say: made-up opinions of which each is right in its own field."""

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

# Places of the segments 1, 4, 12 and 16: speech knows the first two, the screen the others.
KNOWN = (1, 4, 11, 15)
OFTEN = 0.85


@dataclass(frozen=True)
class Made:
    """Creatives, the places of their segments, and what the channels say of them."""

    opinions: Opinions
    features: list[SpotFeatures]
    columns: NDArray[np.int64]

    def without(self, channel: str, rows: NDArray[np.bool_]) -> Opinions:
        said = self.opinions.probabilities[channel].copy()
        said[rows] = np.nan
        return Opinions({**self.opinions.probabilities, channel: said})


def made(count: int, seed: int) -> Made:
    """In its field a channel is mostly right, elsewhere surer still of something at random."""
    dice = np.random.default_rng(seed)
    columns = np.array(KNOWN)[dice.integers(0, len(KNOWN), count)]

    def channel(field: tuple[int, ...]) -> Probabilities:
        guess = np.array(KNOWN)[dice.integers(0, len(KNOWN), count)]
        right = np.isin(columns, field) & (dice.random(count) < OFTEN)
        sure = np.where(np.isin(columns, field), 0.6, 0.8)
        said: Probabilities = (
            dice.dirichlet(np.full(len(NUMBERS), 0.5), count) * (1 - sure)[:, None]
        )
        said[np.arange(count), np.where(right, columns, guess)] += sure
        return said

    opinions = Opinions({SPEECH: channel(KNOWN[:2]), SCREEN: channel(KNOWN[2:])})
    payers = dice.choice(["bank", "shop"], count)
    features = [
        SpotFeatures(speech="есть", advertiser=payer, shape=SHAPE if place % 2 else None)
        for place, payer in enumerate(payers.tolist())
    ]
    return Made(opinions, features, columns)


def right(probabilities: Probabilities, columns: NDArray[np.int64]) -> float:
    return float((probabilities.argmax(axis=1) == columns).mean())


@pytest.fixture(scope="module")
def taught() -> Made:
    return made(500, seed=1)


@pytest.fixture(scope="module")
def stack(taught: Made) -> Stack:
    return train(taught.opinions, taught.features, taught.columns)


@pytest.fixture(scope="module")
def asked() -> Made:
    return made(300, seed=2)


def test_it_learns_whom_to_believe_where(stack: Stack, asked: Made) -> None:
    pooled = right(pool(asked.opinions, Fusion()), asked.columns)
    stacked = right(stack.probabilities(asked.opinions, asked.features), asked.columns)
    assert stacked > 0.8 > pooled + 0.1
    for channel in (SPEECH, SCREEN):
        assert stacked > right(asked.opinions.probabilities[channel], asked.columns) + 0.1


def test_it_gives_probabilities_of_what_training_knew(stack: Stack, asked: Made) -> None:
    said = stack.probabilities(asked.opinions, asked.features)
    known = np.isin(np.arange(len(NUMBERS)), KNOWN)
    assert said.shape == (300, len(NUMBERS))
    assert said.sum(axis=1) == pytest.approx(1)
    assert (said[:, known] > 0).all()
    assert (said[:, ~known] == 0).all()


def test_a_channel_may_be_missing(stack: Stack, asked: Made) -> None:
    """Without the screen the segments that speech knows are still found; never was one asked
    without it in training."""
    all_rows = np.ones(300, np.bool_)
    whole = stack.probabilities(asked.without(SCREEN, all_rows), asked.features)
    assert whole.sum(axis=1) == pytest.approx(1)
    spoken = np.isin(asked.columns, KNOWN[:2])
    assert right(whole[spoken], asked.columns[spoken]) > 0.6
    absent = Opinions({SPEECH: asked.opinions.probabilities[SPEECH]})
    assert np.array_equal(stack.probabilities(absent, asked.features), whole)


def test_training_goes_on_without_channels_shape_and_payer(asked: Made) -> None:
    some = np.arange(300) % 3 == 0
    gaps = asked.without(SCREEN, some)
    bare = [SpotFeatures() for _ in asked.features]
    seeing = Opinions({**gaps.probabilities, PICTURES: np.full((300, len(NUMBERS)), np.nan)})
    learned = train(seeing, bare, asked.columns)
    said = learned.probabilities(seeing, bare)
    assert np.isfinite(said).all()
    assert right(said[~some], asked.columns[~some]) > 0.8
    assert np.array_equal(learned.probabilities(gaps, bare), said)


def test_who_pays_may_tell_what_no_channel_does(taught: Made) -> None:
    doubt = np.full((500, len(NUMBERS)), 1 / len(NUMBERS))
    columns = np.where([one.advertiser == "bank" for one in taught.features], 11, 1)
    learned = train(Opinions({SPEECH: doubt}), taught.features, columns)
    one = Opinions({SPEECH: doubt[:1]})
    for payer, place in (("bank", 11), ("shop", 1)):
        [said] = learned.probabilities(one, [SpotFeatures(advertiser=payer)])
        assert said.argmax() == place
        assert said[place] > 0.8
    for unseen in ("Новый рекламодатель", "?", "😀 «»"):
        stranger = SpotFeatures(advertiser=unseen, brand=unseen, media_type=unseen)
        assert learned.probabilities(one, [stranger]).sum() == pytest.approx(1)


def test_neither_company_nor_order_changes_anything(stack: Stack, asked: Made) -> None:
    together = stack.probabilities(asked.opinions, asked.features)
    reverse = Opinions(dict(reversed(list(asked.opinions.probabilities.items()))))
    assert np.array_equal(stack.probabilities(reverse, asked.features), together)
    for row in (0, 7, 299):
        alone = Opinions({n: said[[row]] for n, said in asked.opinions.probabilities.items()})
        [said] = stack.probabilities(alone, [asked.features[row]])
        assert said == pytest.approx(together[row])


def test_the_same_creatives_give_the_same_stack(stack: Stack, taught: Made, asked: Made) -> None:
    again = train(taught.opinions, taught.features, taught.columns)
    for one in (asked, taught):
        assert np.array_equal(
            again.probabilities(one.opinions, one.features),
            stack.probabilities(one.opinions, one.features),
        )


def test_it_comes_back_from_its_folder_bit_by_bit(
    stack: Stack, asked: Made, tmp_path: Path
) -> None:
    artefact = stack.save(tmp_path / "stack")
    assert set(artefact.files) == {"model.cbm"}
    again = Stack.load(tmp_path / "stack")
    assert np.array_equal(
        again.probabilities(asked.opinions, asked.features),
        stack.probabilities(asked.opinions, asked.features),
    )


def test_a_bundle_decides_by_its_stack(tmp_path: Path) -> None:
    """Of what the text model says of speech nothing is believed: who pays decides."""
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
    """The file of a machine with other features, labels or purpose."""
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
def test_a_wrong_file_is_refused(
    tmp_path: Path, content: Callable[[], bytes], message: str
) -> None:
    def write(folder: Path) -> None:
        (folder / "model.cbm").write_bytes(content())

    write_artefact(tmp_path / "stack", KIND, VERSION, write, {})
    with pytest.raises(ArtefactError, match=message):
        Stack.load(tmp_path / "stack")


def test_the_right_machine_of_the_same_making_is_accepted(tmp_path: Path) -> None:
    def write(folder: Path) -> None:
        (folder / "model.cbm").write_bytes(trees(WIDTH, [1, 4, 11] * 20))

    write_artefact(tmp_path / "stack", KIND, VERSION, write, {})
    assert Stack.load(tmp_path / "stack").machine.classes_.tolist() == [1, 4, 11]

"""From labelled creatives to a bundle: what is learned, what measures, what is told."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classifier import Bundle, train
from classifier.decision.spot_shape import NAMES, SpotShape
from classifier.decision.types import SpotFeatures
from classifier.learning.dataset import Example, Table, TooFewError
from classifier.learning.trainer import Config
from classifier.segments import NUMBERS
from classifier.text.families import fingerprints
from classifier.text.linear_model import TextModel
from tests.small_bert import save_encoder

WORDS = {
    0: "скидка яблоки сыр кефир цена магазин рублей молоко акция гречка",
    12: "кредитная карта лимит проценты грейс льготный период покупки банк снятие",
    16: "колонка голосовой помощник включи свет умный дом будильник станция алиса",
}
COMMON = "сегодня для вас каждый день вместе очень просто только теперь здесь снова ваш новый"
ENCODER = "made-up"


def spoken(dice: random.Random, segment: int, telling: int = 4) -> str:
    words = dice.choices(WORDS[segment].split(), k=telling) + dice.choices(COMMON.split(), k=9)
    dice.shuffle(words)
    return " ".join(words)


def creatives(count: int, seed: int = 0, telling: int = 4) -> list[Example]:
    """Labelled creatives of three segments, each with speech."""
    dice = random.Random(seed)
    segments = [(0, 12, 16)[number % 3] for number in range(count)]
    return [
        Example(f"{seed}-{number}", segment, SpotFeatures(speech=spoken(dice, segment, telling)))
        for number, segment in enumerate(segments)
    ]


def with_pictures(examples: list[Example]) -> list[Example]:
    """Vectors that tell the segments apart, whatever is said."""
    random_ = np.random.default_rng(0)
    result = []
    for one in examples:
        vector = random_.normal(0, 0.4, 8).astype(np.float32)
        vector[NUMBERS.index(one.segment) % 8] += 3
        features = replace(one.features, vectors={ENCODER: vector / np.linalg.norm(vector)})
        result.append(replace(one, features=features))
    return result


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, list[str]]:
    """A bundle of ninety spoken creatives, and what was told on the way."""
    told: list[str] = []
    folder = tmp_path_factory.mktemp("models") / "learned"
    return train(creatives(90), Config(folder=folder), told.append), told


def test_what_was_learned_decides(learned: tuple[Bundle, list[str]]) -> None:
    bundle, told = learned
    said = bundle.predict([SpotFeatures(speech="кредитная карта, льготный период и лимит")])
    assert said[0].segment == 12
    assert [view.name for view in said[0].channels] == ["speech"]
    assert any("measure and teach nothing" in line for line in told)


def test_the_manifest_tells_from_what_and_how_well(learned: tuple[Bundle, list[str]]) -> None:
    facts = learned[0].facts
    assert facts["training"]["creatives"] == 90
    held_out = facts["hold_out"]["new"]
    assert 10 <= held_out["rows"] <= 26
    assert held_out["macro_f1"] > 0.8
    assert facts["evaluation"]["rows"] == 90
    assert sum(map(sum, facts["evaluation"]["confusion"])) == 90
    assert facts["metrics"]["macro_f1_hold_out"] == held_out["macro_f1"]


def test_the_same_creatives_give_the_same_bytes(
    learned: tuple[Bundle, list[str]], tmp_path: Path
) -> None:
    again = train(creatives(90), Config(folder=tmp_path / "again"))
    assert again.artefact is not None
    assert learned[0].artefact is not None
    assert again.artefact.digest == learned[0].artefact.digest


def test_what_measures_taught_nothing() -> None:
    table = Table.of(creatives(90), "", 0)
    measuring = table.hold_out()
    rest = table.only(~measuring)
    assert not set(table.families[measuring]) & set(table.families[~measuring])
    assert len(rest.examples) == 90 - measuring.sum()
    for number in np.unique(rest.folds()):
        here = rest.folds() == number
        assert not set(rest.families[here]) & set(rest.families[~here])


def test_copies_of_one_spot_stay_together() -> None:
    one = creatives(60)
    copies = [replace(each, id=f"{each.id}-copy") for each in one]
    table = Table.of([*one, *copies], "", 0)
    assert (table.families[:60] == table.families[60:]).all()


def test_labels_on_top_of_a_model_that_never_saw_them(
    learned: tuple[Bundle, list[str]], tmp_path: Path
) -> None:
    """The model that is there knows three segments well; thin labels alone would forget."""
    thin = creatives(60, seed=7, telling=1)
    told: list[str] = []
    mixed = train(thin, Config(folder=tmp_path / "mixed", base=learned[0]), told.append)
    alone = train(thin, Config(folder=tmp_path / "alone"))
    assert any("labels weigh" in line for line in told)
    fresh = creatives(90, seed=9, telling=2)
    features, segments = [one.features for one in fresh], [one.segment for one in fresh]
    assert mixed.evaluate(features, segments).macro_f1 > alone.evaluate(features, segments).macro_f1
    before = fingerprints([one.features.speech for one in creatives(90)])
    assert np.isin(before, mixed.parts.training_fingerprints).all()
    assert not np.isin(before, alone.parts.training_fingerprints).any()


def test_a_model_that_learned_from_these_very_creatives_does_not_teach(
    learned: tuple[Bundle, list[str]], tmp_path: Path
) -> None:
    told: list[str] = []
    again = train(creatives(90), Config(folder=tmp_path / "m", base=learned[0]), told.append)
    assert not any("labels weigh" in line for line in told)
    held_out = again.facts["hold_out"]
    assert held_out["base_has_seen"] == held_out["new"]["rows"]


@pytest.mark.parametrize("method", ["nearest", "catboost"])
def test_pictures_decide_where_nobody_speaks(method: str, tmp_path: Path) -> None:
    seen = with_pictures(creatives(75))
    config = Config(folder=tmp_path / method, pictures=method, encoder=ENCODER)
    bundle = train(seen, config)
    assert bundle.encoder == ENCODER
    silent = [replace(one.features, speech="") for one in with_pictures(creatives(30, seed=3))]
    segments = [one.segment for one in creatives(30, seed=3)]
    assert bundle.evaluate(silent, segments).accuracy > 0.9
    [said] = bundle.predict(silent[:1])
    assert said.segment == segments[0]
    assert [view.name for view in said.channels] == ["pictures"]
    assert bool(said.channels[0].neighbours) == (method == "nearest")


def test_a_screen_teaches_and_is_sharpened_by_what_it_gave(tmp_path: Path) -> None:
    dice = random.Random(3)
    shown = [
        replace(one, features=SpotFeatures(screen=spoken(dice, one.segment)))
        for one in creatives(60)
    ]
    bundle = train([*creatives(60), *shown], Config(folder=tmp_path / "m"))
    assert bundle.parts.fusion.sharpness["screen"] != 0.6
    [said] = bundle.predict([SpotFeatures(screen="умная колонка, голосовой помощник")])
    assert said.segment == 16


def rare_words(dice: random.Random) -> str:
    """So many that no two texts are near duplicates."""
    return " ".join("".join(dice.choices("бвгдежзиклмнопрст", k=7)) for _ in range(12))


def shaped(one: Example, dice: random.Random, telling: bool) -> Example:
    """Speech and screen, and a length that is another for each segment; ``telling`` words."""
    said = [spoken(dice, one.segment if telling else dice.choice((0, 12, 16))) for _ in range(2)]
    words = [f"{text} {rare_words(dice)}" for text in said]
    numbers = dict.fromkeys(NAMES, 0.0) | {"seconds": 10.0 + one.segment, "has_video": False}
    shape = SpotShape(**numbers)
    return replace(one, features=SpotFeatures(speech=words[0], screen=words[1], shape=shape))


@pytest.mark.parametrize("telling", [False, True])
def test_a_stack_takes_over_only_where_it_is_better(
    telling: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pooling knows words alone: where these say nothing and the length all, the stack wins."""
    monkeypatch.setattr("classifier.decision.stacking.LEAST_CREATIVES", 60)
    dice = random.Random(1)
    examples = [shaped(one, dice, telling) for one in creatives(90)]
    bundle = train(examples, Config(folder=tmp_path / "m"))
    held_out = bundle.facts["hold_out"]
    assert (bundle.parts.stack is not None) == (held_out["stack"] > held_out["pool"])
    assert (bundle.parts.stack is None) == telling
    assert held_out["new"]["macro_f1"] == pytest.approx(max(held_out["stack"], held_out["pool"]))


@pytest.mark.parametrize("few", [creatives(40), [one for one in creatives(180) if not one.segment]])
def test_too_few_creatives_are_refused(few: list[Example], tmp_path: Path) -> None:
    with pytest.raises(TooFewError) as refused:
        train(few, Config(folder=tmp_path / "m"))
    assert refused.value.creatives == len(few)
    assert not (tmp_path / "m").exists()


def test_copies_of_a_few_spots_are_too_few(tmp_path: Path) -> None:
    copies = [replace(one, id=f"{one.id}-{number}") for one in creatives(10) for number in range(9)]
    with pytest.raises(TooFewError) as refused:
        train(copies, Config(folder=tmp_path / "m"))
    assert refused.value.families <= 10


def test_creatives_that_say_nothing_teach_nothing(tmp_path: Path) -> None:
    silent = [Example(f"s{number}", 0, SpotFeatures()) for number in range(20)]
    bundle = train([*creatives(60), *silent], Config(folder=tmp_path / "m"))
    assert bundle.facts["training"]["creatives"] == 60


def test_two_segments_are_enough(tmp_path: Path) -> None:
    two = [one for one in creatives(90) if one.segment != 16]
    bundle = train(two, Config(folder=tmp_path / "m"))
    said = bundle.predict([SpotFeatures(speech="скидка на сыр и молоко, цена")])
    assert said[0].segment == 0
    assert said[0].probabilities[16] < 0.01


def test_an_encoder_learns_in_place_of_the_linear_model(tmp_path: Path) -> None:
    save_encoder(tmp_path / "bert")
    config = Config(folder=tmp_path / "m", text=str(tmp_path / "bert"))
    bundle = train(creatives(60), config)
    assert bundle.facts["recipe"]["text"] == config.text
    again = Bundle.load(tmp_path / "m")
    asked = [one.features for one in creatives(6, seed=4)]
    assert [one.probabilities for one in again.predict(asked)] == [
        pytest.approx(one.probabilities) for one in bundle.predict(asked)
    ]
    assert not isinstance(again.parts.text, TextModel)

"""Training of a bundle: held-out families, parts, manifest, refusals."""

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
from tests.bundles import COMMON, WORDS
from tests.small_bert import save_encoder

ENCODER = "made-up"


def random_speech(dice: random.Random, segment: int, informative_words: int = 4) -> str:
    words = dice.choices(WORDS[segment].split(), k=informative_words) + dice.choices(
        COMMON.split(), k=9
    )
    dice.shuffle(words)
    return " ".join(words)


def creatives(count: int, seed: int = 0, informative_words: int = 4) -> list[Example]:
    """Return labelled creatives of three segments with speech."""
    dice = random.Random(seed)
    segments = [(0, 12, 16)[number % 3] for number in range(count)]
    return [
        Example(
            f"{seed}-{number}",
            segment,
            SpotFeatures(speech=random_speech(dice, segment, informative_words)),
        )
        for number, segment in enumerate(segments)
    ]


def of_one_segment(count: int) -> list[Example]:
    return [one for one in creatives(3 * count) if one.segment == 0]


def with_pictures(examples: list[Example]) -> list[Example]:
    """Add picture vectors that separate the segments."""
    random_ = np.random.default_rng(0)
    result = []
    for one in examples:
        vector = random_.normal(0, 0.4, 8).astype(np.float32)
        vector[NUMBERS.index(one.segment) % 8] += 3
        features = replace(one.features, vectors={ENCODER: vector / np.linalg.norm(vector)})
        result.append(replace(one, features=features))
    return result


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, list[str]]:
    """A bundle trained on ninety creatives with speech, and the progress messages."""
    messages: list[str] = []
    folder = tmp_path_factory.mktemp("models") / "learned"
    return train(creatives(90), Config(folder=folder), messages.append), messages


def test_trained_bundle_predicts(trained: tuple[Bundle, list[str]]) -> None:
    bundle, messages = trained
    prediction = bundle.predict([SpotFeatures(speech="кредитная карта, льготный период и лимит")])
    assert prediction[0].segment == 12
    assert [view.name for view in prediction[0].channels] == ["speech"]
    assert any("are held out" in line for line in messages)
    assert "pictures" not in bundle.parts.fusion.sharpness


def test_manifest_has_training_data_and_figures(trained: tuple[Bundle, list[str]]) -> None:
    facts = trained[0].facts
    assert facts["training"]["creatives"] == 90
    held_out = facts["hold_out"]["new"]
    assert 10 <= held_out["rows"] <= 26
    assert held_out["macro_f1"] > 0.8
    assert facts["evaluation"]["rows"] == 90
    assert sum(map(sum, facts["evaluation"]["confusion"])) == 90
    assert facts["metrics"]["macro_f1_hold_out"] == held_out["macro_f1"]


def test_same_creatives_give_the_same_bytes(
    trained: tuple[Bundle, list[str]], tmp_path: Path
) -> None:
    again = train(creatives(90), Config(folder=tmp_path / "again"))
    assert again.artefact is not None
    assert trained[0].artefact is not None
    assert again.artefact.digest == trained[0].artefact.digest


def test_families_are_on_one_side_of_hold_out_and_folds() -> None:
    table = Table.of(creatives(90), "", 0)
    measuring = table.hold_out()
    rest = table.only(~measuring)
    assert not set(table.families[measuring]) & set(table.families[~measuring])
    assert len(rest.examples) == 90 - measuring.sum()
    for number in np.unique(rest.folds()):
        here = rest.folds() == number
        assert not set(rest.families[here]) & set(rest.families[~here])


def test_copies_of_a_spot_are_one_family() -> None:
    one = creatives(60)
    copies = [replace(each, id=f"{each.id}-copy") for each in one]
    table = Table.of([*one, *copies], "", 0)
    assert (table.families[:60] == table.families[60:]).all()


def test_base_model_is_mixed_in_if_the_texts_are_new_to_it(
    trained: tuple[Bundle, list[str]], tmp_path: Path
) -> None:
    """The base predicts the segments well; a model of the uninformative texts alone does not."""
    uninformative = creatives(60, seed=7, informative_words=1)
    messages: list[str] = []
    mixed = train(
        uninformative, Config(folder=tmp_path / "mixed", base=trained[0]), messages.append
    )
    alone = train(uninformative, Config(folder=tmp_path / "alone"))
    assert any("labels have the weight" in line for line in messages)
    unseen = creatives(90, seed=9, informative_words=2)
    features, segments = [one.features for one in unseen], [one.segment for one in unseen]
    assert mixed.evaluate(features, segments).macro_f1 > alone.evaluate(features, segments).macro_f1
    before = fingerprints([one.features.speech for one in creatives(90)])
    assert np.isin(before, mixed.parts.training_fingerprints).all()
    assert not np.isin(before, alone.parts.training_fingerprints).any()


def test_base_model_trained_on_the_same_creatives_is_not_mixed_in(
    trained: tuple[Bundle, list[str]], tmp_path: Path
) -> None:
    messages: list[str] = []
    again = train(creatives(90), Config(folder=tmp_path / "m", base=trained[0]), messages.append)
    assert not any("labels have the weight" in line for line in messages)
    held_out = again.facts["hold_out"]
    assert held_out["base_has_seen"] == held_out["new"]["rows"]


def test_creatives_without_words_are_not_among_those_that_the_base_has_seen(
    trained: tuple[Bundle, list[str]], tmp_path: Path
) -> None:
    """A starter's fingerprints include that of the empty text."""
    base = Bundle(replace(trained[0].parts, training_fingerprints=fingerprints([""])))
    examples = [
        replace(one, features=replace(one.features, speech="")) if number % 2 else one
        for number, one in enumerate(with_pictures(creatives(110)))
    ]
    bundle = train(examples, Config(folder=tmp_path / "m", base=base, encoder=ENCODER))
    assert bundle.facts["hold_out"]["base_has_seen"] == 0


@pytest.mark.parametrize("method", ["nearest", "catboost"])
def test_pictures_predict_creatives_without_speech(method: str, tmp_path: Path) -> None:
    examples = with_pictures(creatives(75))
    config = Config(folder=tmp_path / method, pictures=method, encoder=ENCODER)
    bundle = train(examples, config)
    assert bundle.encoder == ENCODER
    silent = [replace(one.features, speech="") for one in with_pictures(creatives(30, seed=3))]
    segments = [one.segment for one in creatives(30, seed=3)]
    assert bundle.evaluate(silent, segments).accuracy > 0.9
    [prediction] = bundle.predict(silent[:1])
    assert prediction.segment == segments[0]
    assert [view.name for view in prediction.channels] == ["pictures"]
    assert bool(prediction.channels[0].neighbours) == (method == "nearest")


def test_screen_text_is_trained_on_and_its_sharpness_is_fitted(tmp_path: Path) -> None:
    dice = random.Random(3)
    shown = [
        replace(one, features=SpotFeatures(screen=random_speech(dice, one.segment)))
        for one in creatives(60)
    ]
    bundle = train([*creatives(60), *shown], Config(folder=tmp_path / "m"))
    assert bundle.parts.fusion.sharpness["screen"] != 0.6
    [prediction] = bundle.predict([SpotFeatures(screen="умная колонка, голосовой помощник")])
    assert prediction.segment == 16


def rare_words(dice: random.Random) -> str:
    """Return enough invented words that no two texts are near duplicates."""
    return " ".join("".join(dice.choices("бвгдежзиклмнопрст", k=7)) for _ in range(12))


def with_shape(one: Example, dice: random.Random, informative: bool) -> Example:
    """Return a creative with speech, screen text, and a length that depends on the segment.

    If not ``informative``, its words are those of random segments.
    """
    texts = [
        random_speech(dice, one.segment if informative else dice.choice((0, 12, 16)))
        for _ in range(2)
    ]
    words = [f"{text} {rare_words(dice)}" for text in texts]
    numbers = dict.fromkeys(NAMES, 0.0) | {"seconds": 10.0 + one.segment, "has_video": False}
    shape = SpotShape(**numbers)
    return replace(one, features=SpotFeatures(speech=words[0], screen=words[1], shape=shape))


@pytest.mark.parametrize("informative", [False, True])
def test_stack_is_used_only_if_it_is_better(
    informative: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pooling uses only words, so the stack is better if only the length is informative."""
    monkeypatch.setattr("classifier.decision.stacking.LEAST_CREATIVES", 60)
    dice = random.Random(1)
    examples = [with_shape(one, dice, informative) for one in creatives(90)]
    bundle = train(examples, Config(folder=tmp_path / "m"))
    held_out = bundle.facts["hold_out"]
    assert (bundle.parts.stack is not None) == (held_out["stack"] > held_out["pool"])
    assert (bundle.parts.stack is None) == informative
    assert held_out["new"]["macro_f1"] == pytest.approx(max(held_out["stack"], held_out["pool"]))


@pytest.mark.parametrize(
    ("too_few", "others"),
    [(creatives(40), 24), (of_one_segment(60), 0), ([*of_one_segment(60), *creatives(3)[1:]], 2)],
    ids=["creatives", "segments", "creatives outside a segment"],
)
def test_too_few_creatives_or_segments_are_refused(
    too_few: list[Example], others: int, tmp_path: Path
) -> None:
    with pytest.raises(TooFewError) as refused:
        train(too_few, Config(folder=tmp_path / "m"))
    assert refused.value.creatives == len(too_few)
    assert refused.value.others == others
    assert not (tmp_path / "m").exists()


def test_a_few_creatives_of_each_segment_are_enough(tmp_path: Path) -> None:
    """Each segment has fewer creatives than there are folds."""
    dice = random.Random(2)
    few = [
        Example(str(number), NUMBERS[number % 10], SpotFeatures(speech=rare_words(dice)))
        for number in range(50)
    ]
    bundle = train(few, Config(folder=tmp_path / "m"))
    assert bundle.facts["training"]["creatives"] == 50


def test_channel_whose_examples_are_nearly_all_of_one_segment_is_not_trained(
    trained: tuple[Bundle, list[str]], tmp_path: Path
) -> None:
    """Nearly all words, or nearly all pictures, are of segment 0."""
    examples = with_pictures([*of_one_segment(60), *creatives(60, seed=5)])
    several = {one.id for one in examples if one.segment == 0} | {"5-1"}
    silent, unseen = (
        [one if one.id in several else replace(one, features=replace(one.features, **without))
         for one in examples]
        for without in ({"speech": ""}, {"vectors": {}})
    )  # fmt: skip
    config = Config(tmp_path / "m", trained[0], pictures="catboost", encoder=ENCODER)
    messages: list[str] = []
    bundle = train(silent, config, messages.append)
    assert any("the base model is kept" in line for line in messages)
    assert bundle.parts.pictures is not None
    assert train(unseen, config).parts.pictures is None


def test_copies_of_a_few_spots_are_refused(tmp_path: Path) -> None:
    copies = [replace(one, id=f"{one.id}-{number}") for one in creatives(10) for number in range(9)]
    with pytest.raises(TooFewError) as refused:
        train(copies, Config(folder=tmp_path / "m"))
    assert refused.value.families <= 10


def test_creatives_without_evidence_are_left_out(tmp_path: Path) -> None:
    silent = [Example(f"s{number}", 0, SpotFeatures()) for number in range(20)]
    bundle = train([*creatives(60), *silent], Config(folder=tmp_path / "m"))
    assert bundle.facts["training"]["creatives"] == 60


def test_two_segments_are_enough(tmp_path: Path) -> None:
    two = [one for one in creatives(90) if one.segment != 16]
    bundle = train(two, Config(folder=tmp_path / "m"))
    prediction = bundle.predict([SpotFeatures(speech="скидка на сыр и молоко, цена")])
    assert prediction[0].segment == 0
    assert 16 not in prediction[0].probabilities


def test_transformer_replaces_the_linear_model(tmp_path: Path) -> None:
    save_encoder(tmp_path / "bert")
    config = Config(folder=tmp_path / "m", text=str(tmp_path / "bert"))
    bundle = train(creatives(60), config)
    assert bundle.facts["recipe"]["text"] == config.text
    again = Bundle.load(tmp_path / "m")
    features = [one.features for one in creatives(6, seed=4)]
    assert [one.probabilities for one in again.predict(features)] == [
        pytest.approx(one.probabilities) for one in bundle.predict(features)
    ]
    assert not isinstance(again.parts.text, TextModel)


PETS = 19  # a segment that the dictionary does not have


def with_pets(count: int) -> list[Example]:
    """Return labelled creatives, a quarter of them of a segment that the starter does not know."""
    words = "корм для кошек и собак, питомец, ветеринар, лапы, хвост, поводок, миска, шерсть"
    dice = random.Random(5)
    pets = [
        Example(
            f"pet-{number}",
            PETS,
            SpotFeatures(speech=" ".join(dice.choices([*words.split(), *COMMON.split()], k=14))),
        )
        for number in range(count // 4)
    ]
    return [*creatives(count - len(pets), seed=5), *pets]


def test_a_segment_is_added_beside_those_of_the_base(tmp_path: Path) -> None:
    examples = with_pets(160)
    bundle = train(examples, Config(folder=tmp_path / "m", base=Bundle.load()))
    assert bundle.numbers == (*NUMBERS, PETS)
    pet, music = bundle.predict(
        [
            SpotFeatures(speech="корм для кошек, ветеринар, питомец, миска, поводок, лапы"),
            SpotFeatures(speech="Слушайте миллионы песен в музыкальном сервисе, концерты и радио"),
        ]
    )
    assert pet.segment == PETS
    assert music.segment == 15  # only the base has learned it
    assert set(pet.probabilities) == {*NUMBERS, PETS}
    # The base counts creatives of the new segment as wrong.
    base = bundle.facts["hold_out"]["base"]
    assert base["numbers"] == [*NUMBERS, PETS]
    assert base["segments"][str(PETS)][2] == 0  # recall
    assert bundle.facts["hold_out"]["new"]["segments"][str(PETS)][2] > 0.5


def test_bundles_with_other_segments_are_used_side_by_side(tmp_path: Path) -> None:
    larger = train(with_pets(160), Config(folder=tmp_path / "m", base=Bundle.load()))
    spot = [SpotFeatures(speech="Кредитная карта с льготным периодом")]
    before = Bundle.load().predict(spot)[0]
    assert larger.predict(spot)[0].segment == before.segment == 12
    assert tuple(before.probabilities) == NUMBERS
    again = Bundle.load(tmp_path / "m", priors=dict.fromkeys(NUMBERS, 1.0))
    assert again.predict(spot)[0].segment == 12


def test_a_segment_without_pictures_is_not_vetoed_by_pictures(tmp_path: Path) -> None:
    """No film of segment 16 is labelled, and its films resemble those of segment 12."""
    examples = with_pictures(creatives(150, informative_words=1))
    like_cards = next(one.features.vectors for one in examples if one.segment == 12)
    examples = [
        replace(one, features=replace(one.features, vectors={})) if one.segment == 16 else one
        for one in examples
    ]
    bundle = train(examples, Config(folder=tmp_path / "m", encoder=ENCODER))
    assert bundle.parts.pictures is not None
    assert bundle.parts.pictures.numbers == (0, 12)
    new = [one for one in creatives(150, 9, informative_words=1) if one.segment == 16]
    alone = bundle.predict([one.features for one in new])
    films = bundle.predict([replace(one.features, vectors=like_cards) for one in new])
    right = [sum(one.segment == 16 for one in found) for found in (alone, films)]
    assert right[0] > 30
    assert right[1] >= right[0]

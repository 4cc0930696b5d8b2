"""Training of a bundle: folds by families, parts, lineage, manifest, refusals."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classifier import Bundle, train
from classifier.decision.spot_shape import NAMES, SpotShape
from classifier.decision.types import SpotFeatures
from classifier.learning.dataset import Example, Table, TooFewError, digest_of, families_of
from classifier.learning.progress import Stage, Step
from classifier.learning.text_heads import (
    Learned,
    LinearHead,
    TextRows,
    TransformerHead,
    better_of,
)
from classifier.learning.types import Config
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
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, list[Step]]:
    """A bundle trained on ninety creatives with speech, and the steps of its training."""
    steps: list[Step] = []
    folder = tmp_path_factory.mktemp("models") / "learned"
    return train(creatives(90), Config(folder=folder), steps.append), steps


def test_trained_bundle_predicts(trained: tuple[Bundle, list[Step]]) -> None:
    bundle, _ = trained
    prediction = bundle.predict([SpotFeatures(speech="кредитная карта, льготный период и лимит")])
    assert prediction[0].segment == 12
    assert [view.name for view in prediction[0].channels] == ["speech"]
    assert "pictures" not in bundle.parts.fusion.sharpness


def test_progress_names_each_step_and_ends_at_the_whole(
    trained: tuple[Bundle, list[Step]],
) -> None:
    steps = trained[1]
    assert [step.stage for step in steps] == [
        Stage.FAMILIES, *[Stage.WORDS] * 6, Stage.WRITING
    ]  # fmt: skip
    assert [step.number for step in steps if step.stage == Stage.WORDS] == list(range(1, 7))
    shares = [step.share for step in steps]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_manifest_has_training_data_and_figures(trained: tuple[Bundle, list[Step]]) -> None:
    facts = trained[0].facts
    assert facts["training"]["creatives"] == 90
    assert facts["evaluation"]["rows"] == 90
    assert sum(map(sum, facts["evaluation"]["confusion"])) == 90
    assert facts["metrics"]["macro_f1_grouped"] == facts["evaluation"]["macro_f1"] > 0.8
    assert set(trained[0].parts.training_creatives.tolist()) == {
        digest_of(one.id) for one in creatives(90)
    }


def test_same_creatives_give_the_same_bytes(
    trained: tuple[Bundle, list[Step]], tmp_path: Path
) -> None:
    again = train(creatives(90), Config(folder=tmp_path / "again"))
    assert again.artefact is not None
    assert trained[0].artefact is not None
    assert again.artefact.digest == trained[0].artefact.digest


def test_families_are_in_one_fold() -> None:
    one = creatives(60)
    table = Table.of([*one, *(replace(each, id=f"{each.id}-copy") for each in one)], "", 0)
    folds = table.folds()
    assert len(np.unique(folds)) == 5
    for family in np.unique(table.families):
        assert len(np.unique(folds[table.families == family])) == 1


def test_copies_of_a_spot_are_one_family() -> None:
    one = creatives(60)
    copies = [replace(each, id=f"{each.id}-copy") for each in one]
    table = Table.of([*one, *copies], "", 0)
    assert (table.families[:60] == table.families[60:]).all()


def test_ancestor_is_mixed_in_if_that_is_better(
    trained: tuple[Bundle, list[Step]], tmp_path: Path
) -> None:
    """The ancestor predicts well; a model of the uninformative texts alone does not."""
    uninformative = creatives(60, seed=7, informative_words=1)
    mixed = train(uninformative, Config(folder=tmp_path / "mixed", ancestor=trained[0]))
    alone = train(uninformative, Config(folder=tmp_path / "alone"))
    assert trained[0].artefact
    assert mixed.facts["lineage"]["teacher"] == trained[0].artefact.digest
    assert 0 < mixed.facts["lineage"]["share_of_labels"] < 1
    assert alone.facts["lineage"]["teacher"] == ""
    unseen = creatives(90, seed=9, informative_words=2)
    features, segments = [one.features for one in unseen], [one.segment for one in unseen]
    assert mixed.evaluate(features, segments).macro_f1 > alone.evaluate(features, segments).macro_f1
    before = fingerprints([one.features.speech for one in creatives(90)])
    assert np.isin(before, mixed.parts.training_fingerprints).all()
    assert not np.isin(before, alone.parts.training_fingerprints).any()
    assert np.isin(trained[0].parts.training_creatives, mixed.parts.training_creatives).all()


def test_second_training_does_not_forget_the_ancestor(
    trained: tuple[Bundle, list[Step]], tmp_path: Path
) -> None:
    """The active version has learned nearly all labels, so that only the ancestor can be judged."""
    labelled = creatives(72, seed=7, informative_words=1)
    ancestor = trained[0]
    first = train(labelled[:60], Config(tmp_path / "first", ancestor, ancestor))
    second = train(labelled, Config(tmp_path / "second", ancestor, first))
    assert ancestor.artefact
    assert second.facts["lineage"]["teacher"] == ancestor.artefact.digest
    assert 0 < second.facts["lineage"]["share_of_labels"] < 1
    unseen = creatives(90, seed=9, informative_words=2)
    features, segments = [one.features for one in unseen], [one.segment for one in unseen]
    figures = [one.evaluate(features, segments).macro_f1 for one in (ancestor, first, second)]
    assert figures[2] > max(figures[:2]) - 0.03


def test_active_version_is_mixed_in_if_it_is_clearly_better(
    trained: tuple[Bundle, list[Step]], tmp_path: Path
) -> None:
    dice = random.Random(3)
    wrong = [
        replace(one, segment=dice.choice((0, 12, 16)))
        for one in creatives(90, seed=3, informative_words=1)
    ]
    poor = train(wrong, Config(tmp_path / "poor"))
    labelled = creatives(75, seed=7, informative_words=1)
    bundle = train(labelled, Config(tmp_path / "m", ancestor=poor, active=trained[0]))
    assert trained[0].artefact
    assert bundle.facts["lineage"]["teacher"] == trained[0].artefact.digest


def test_ancestor_that_has_learned_all_of_fewer_labels_is_kept_unchanged(
    trained: tuple[Bundle, list[Step]], tmp_path: Path
) -> None:
    """No prediction of the ancestor is out of fold, so there are no new figures."""
    ancestor = trained[0]
    bundle = train(creatives(90)[:60], Config(tmp_path / "m", ancestor))
    assert bundle.facts["lineage"]["share_of_labels"] == 0
    assert "evaluation" not in bundle.facts
    assert bundle.parts.held_out.probabilities.shape == ancestor.parts.held_out.probabilities.shape
    unseen = [one.features for one in creatives(30, seed=4)]
    assert [one.probabilities for one in bundle.predict(unseen)] == [
        one.probabilities for one in ancestor.predict(unseen)
    ]
    assert bundle.threshold(1) == pytest.approx(ancestor.threshold(1), abs=1e-3)


def test_labels_alone_are_learned_if_they_are_all_that_the_ancestor_has_learned(
    trained: tuple[Bundle, list[Step]], tmp_path: Path
) -> None:
    bundle = train(creatives(90), Config(tmp_path / "m", ancestor=trained[0]))
    assert bundle.facts["lineage"]["teacher"] == ""
    assert bundle.facts["evaluation"]["rows"] == 90


def test_creatives_that_the_teacher_has_learned_are_not_in_the_figures(
    trained: tuple[Bundle, list[Step]], tmp_path: Path
) -> None:
    """Nor are their near duplicates, and no threshold is chosen by predictions of them."""
    fresh = creatives(60, seed=7, informative_words=1)
    known = creatives(30)
    alike = [
        replace(one, id=f"{one.id}-alike", features=SpotFeatures(f"{one.features.speech} ещё"))
        for one in known
    ]
    examples = [*fresh, *known, *alike]
    bundle = train(examples, Config(tmp_path / "m", ancestor=trained[0]))
    assert trained[0].artefact
    families = families_of([one.features for one in examples], [None] * len(examples))
    rows = (~np.isin(families, families[60:90])).sum()
    assert 50 <= rows <= 60
    assert bundle.facts["lineage"]["teacher"] == trained[0].artefact.digest
    assert bundle.facts["training"]["creatives"] == 120
    assert bundle.facts["evaluation"]["rows"] == rows
    # Thresholds are chosen on the held-out predictions of the teacher as well.
    assert len(bundle.parts.held_out.columns) == rows + len(trained[0].parts.held_out.columns)


def test_creatives_with_another_transcript_are_not_fresh(
    trained: tuple[Bundle, list[Step]], tmp_path: Path
) -> None:
    """The ancestor has learned the same creatives with other texts."""
    again = [
        replace(one, features=SpotFeatures(speech=other.features.speech))
        for one, other in zip(creatives(60), creatives(60, seed=7), strict=True)
    ]
    bundle = train(again, Config(tmp_path / "m", ancestor=trained[0]))
    assert bundle.facts["lineage"]["share_of_labels"] == 0
    assert "evaluation" not in bundle.facts


def test_exam_creatives_and_their_families_are_not_learned(tmp_path: Path) -> None:
    examples = creatives(90)
    exam = [replace(one, exam=True) for one in examples[:10]]
    copy = replace(examples[0], id="copy")
    dataset = [*exam, copy, *examples[10:]]
    bundle = train(dataset, Config(tmp_path / "m"))
    families = families_of([one.features for one in dataset], [None] * len(dataset))
    left_out = np.isin(families, families[:10]).sum()
    assert left_out >= 11
    assert bundle.facts["left_out"]["exam"] == left_out
    assert bundle.facts["training"]["creatives"] == 91 - left_out
    learned = bundle.parts.training_fingerprints
    assert not np.isin(fingerprints([one.features.speech for one in exam]), learned).any()
    assert digest_of("copy") not in bundle.parts.training_creatives


def test_contradicted_labels_are_left_out(tmp_path: Path) -> None:
    """The majority of a text's labels is right; of two equally frequent ones neither is."""
    examples = creatives(90)
    against = [replace(one, id=f"{one.id}-2", segment=16) for one in examples[::3][:5]]
    again = [replace(one, id=f"{one.id}-3") for one in examples[:1]]
    bundle = train([*examples, *against, *again], Config(tmp_path / "m"))
    assert bundle.facts["left_out"]["contradicted"] == 1 + 4 * 2
    assert bundle.facts["training"]["creatives"] == 96 - 9


def test_segment_with_too_few_labels_waits(
    trained: tuple[Bundle, list[Step]], tmp_path: Path
) -> None:
    """Segments of the ancestor need no minimum."""
    music = replace(creatives(1)[0], id="music", segment=15)
    few = [replace(one, id=f"few-{one.id}", segment=12) for one in creatives(3, seed=8)]
    examples = [*creatives(60, seed=5), music, *few]
    config = Config(tmp_path / "m", ancestor=trained[0], least_labels=2)
    bundle = train(examples, config)
    assert bundle.facts["left_out"]["rare"] == {"15": 1}
    assert bundle.numbers == (0, 12, 16)
    assert train(examples, replace(config, least_labels=1)).numbers == (0, 12, 15, 16)


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
    scores = bundle.facts["fusion_scores"]
    assert (bundle.parts.stack is not None) == (scores["stack"] > scores["pool"])
    assert (bundle.parts.stack is None) == informative
    # The figures are of other creatives than those by which the choice was made.
    assert 0 < bundle.facts["evaluation"]["rows"] < 70


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
    trained: tuple[Bundle, list[Step]], tmp_path: Path
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
    bundle = train(silent, config)
    assert bundle.facts["lineage"]["share_of_labels"] == 0
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


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> tuple[TextRows, Learned, Learned]:
    """Ninety texts with the results of a fine-tuned encoder and of the linear model."""
    folder = tmp_path_factory.mktemp("bert")
    save_encoder(folder)
    table = Table.of(creatives(90), "", 0)
    rows = TextRows.of(table, table.folds())
    head = TransformerHead(rows, str(folder), folder, threads=1, seed=0)
    return rows, head.learn(lambda _: None), LinearHead(rows, []).learn(lambda _: None)


def test_transformer_is_used_only_if_it_is_better(
    tuned: tuple[TextRows, Learned, Learned],
) -> None:
    rows, transformer, linear = tuned
    truth = np.arange(len(rows.texts)), rows.columns
    losses = [-np.log(one.cross_fitted[truth]).mean() for one in (transformer, linear)]
    assert losses[1] < losses[0]
    assert better_of(rows, linear, transformer) is linear
    wrong = replace(linear, cross_fitted=np.roll(linear.cross_fitted, 1, axis=1))
    assert better_of(rows, wrong, transformer) is transformer
    # It can't be judged without fresh texts.
    nothing = replace(wrong, fresh=np.zeros(len(rows.texts), np.bool_))
    assert better_of(rows, nothing, transformer) is nothing


def test_transformer_that_lacks_a_segment_is_not_used(
    tuned: tuple[TextRows, Learned, Learned], trained: tuple[Bundle, list[Step]]
) -> None:
    rows, transformer, linear = tuned
    wrong = replace(linear, cross_fitted=np.roll(linear.cross_fitted, 1, axis=1))
    of_all = replace(wrong, head=Bundle.load().parts.text)
    assert better_of(rows, of_all, transformer) is of_all


def test_bundle_with_a_transformer_is_saved_and_loaded(
    tuned: tuple[TextRows, Learned, Learned],
    trained: tuple[Bundle, list[Step]],
    tmp_path: Path,
) -> None:
    parts = replace(trained[0].parts, text=tuned[1].head)
    parts.save(tmp_path / "m", {}, "card")
    again = Bundle.load(tmp_path / "m")
    assert not isinstance(again.parts.text, TextModel)
    features = [one.features for one in creatives(6, seed=4)]
    assert [one.probabilities for one in again.predict(features)] == [
        pytest.approx(one.probabilities, abs=1e-5) for one in Bundle(parts).predict(features)
    ]


def test_version_names_the_text_model_that_it_uses(tmp_path: Path) -> None:
    """A random encoder is worse than the linear model."""
    save_encoder(tmp_path / "bert")
    bundle = train(creatives(60), Config(tmp_path / "m", text=str(tmp_path / "bert")))
    assert isinstance(bundle.parts.text, TextModel)
    assert bundle.facts["recipe"]["text"] == "linear"
    assert bundle.facts["origin"]["text"] == str(tmp_path / "bert")


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


def test_a_segment_is_added_beside_those_of_the_ancestor(tmp_path: Path) -> None:
    examples = with_pets(160)
    bundle = train(examples, Config(folder=tmp_path / "m", ancestor=Bundle.load()))
    assert bundle.numbers == (*NUMBERS, PETS)
    pet, music = bundle.predict(
        [
            SpotFeatures(speech="корм для кошек, ветеринар, питомец, миска, поводок, лапы"),
            SpotFeatures(speech="Слушайте миллионы песен в музыкальном сервисе, концерты и радио"),
        ]
    )
    assert pet.segment == PETS
    assert music.segment == 15  # only the ancestor has learned it
    assert set(pet.probabilities) == {*NUMBERS, PETS}


def test_bundles_with_other_segments_are_used_side_by_side(tmp_path: Path) -> None:
    larger = train(with_pets(160), Config(folder=tmp_path / "m", ancestor=Bundle.load()))
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

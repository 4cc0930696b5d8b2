"""The rule of decision: stored inputs give the same decisions as fresh ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classifier.artefact import ArtefactError
from classifier.channels import CHANNELS
from classifier.decision import rule
from classifier.decision.bundle import Bundle
from classifier.decision.bundle_parts import STARTER, HeldOut
from classifier.decision.fusion import Fusion, Opinions, pool
from classifier.decision.rule import Basis, Gate, Inputs, Parameters
from classifier.pictures.nearest_neighbours import NearestNeighbours
from classifier.segments import NUMBERS
from tests.bundles import SPEECH, held_out, sample_features, small_parts

TARGETS = (0.5, 0.9, 0.95, 0.99)


def random_inputs(dice: np.random.Generator, creatives: int = 200) -> Inputs:
    """Return inputs of a random bundle: other segments, channels that lack some of them."""
    numbers = tuple(sorted(dice.choice(400, int(dice.integers(2, 30)), replace=False).tolist()))
    known = {name: dice.random(len(numbers)) < 0.8 for name in CHANNELS}
    probabilities = {}
    for name, learned in known.items():
        learned[dice.integers(len(numbers))] = True
        values = dice.dirichlet(np.full(len(numbers), 0.2), creatives) * learned + 1e-9 * learned
        values /= values.sum(axis=1, keepdims=True)
        values[dice.random(creatives) < 0.4] = np.nan
        probabilities[name] = values
    opinions = Opinions(numbers, probabilities, known=known)
    return Inputs.of(opinions, pool(opinions, Fusion()))


def random_basis(dice: np.random.Generator, inputs: Inputs) -> Basis:
    """Return held-out predictions that are right as often as they are confident."""
    count, segments = 600, len(inputs.numbers)
    probabilities = dice.dirichlet(np.full(segments, 0.1), count)
    columns = np.array([dice.choice(segments, p=row) for row in probabilities])
    masks = dice.integers(1, 8, count).astype(np.uint8)
    shares = np.bincount(columns, minlength=segments) / count
    return Basis(inputs.numbers, shares, HeldOut(probabilities, columns, masks), 0.25)


@pytest.mark.parametrize("seed", range(12))
def test_stored_decisions_equal_fresh_ones(seed: int) -> None:
    dice = np.random.default_rng(seed)
    inputs = random_inputs(dice)
    basis = random_basis(dice, inputs)
    packed, masks = inputs.pack(), inputs.masks().tolist()
    stored = list(zip(packed, masks, strict=True))
    mix = dict(zip(inputs.numbers, (10 ** dice.uniform(-3, 3, 30)).tolist(), strict=False))
    some = dict(list(mix.items())[: len(mix) // 2])
    automatic = 0
    for target in TARGETS:
        for priors in (None, mix, some):
            parameters = basis.parameters(target, priors)
            fresh = rule.decide(inputs, parameters)
            assert_same(rule.decide(Inputs.unpack(stored, inputs.numbers), parameters), fresh)
            # In any order and number at once.
            order = dice.permutation(len(stored))[:17].tolist()
            few = rule.decide(Inputs.unpack([stored[n] for n in order], inputs.numbers), parameters)
            for name in ("columns", "confidence", "thresholds", "conflict", "automatic"):
                assert (getattr(few, name) == getattr(fresh, name)[order]).all()
            automatic += int(fresh.automatic.sum())
    assert automatic > 0
    assert 0 in masks
    assert packed[masks.index(0)] == b""
    assert all(
        len(one) == 2 * len(inputs.numbers) * (1 + mask.bit_count())
        for one, mask in zip(packed, masks, strict=True)
        if mask
    )


def assert_same(one: rule.Decisions, other: rule.Decisions) -> None:
    for name in rule.Decisions.__dataclass_fields__:
        assert np.array_equal(getattr(one, name), getattr(other, name), equal_nan=name[0] == "p")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("priors", [None, {0: 50.0, 12: 1.0}])
def test_a_bundle_predicts_by_its_stored_inputs(
    target: float, priors: dict[int, float] | None
) -> None:
    vectors = np.random.default_rng(1).normal(size=(60, 4)).astype(np.float32)
    pictures = NearestNeighbours(
        "tiny", vectors[:9], np.repeat([0, 12, 19], 3), tuple(map(str, range(9)))
    )
    wider = replace(
        small_parts(),
        numbers=(*NUMBERS, 19),
        pictures=pictures,
        shares=np.append(small_parts().shares, 0.01),
        held_out=replace(
            small_parts().held_out,
            probabilities=np.pad(small_parts().held_out.probabilities, ((0, 0), (0, 1))),
        ),
    )
    for parts in (Bundle.load().parts, small_parts(), wider):
        bundle = Bundle(parts, precision=target, priors=priors)
        features = [
            replace(one, vectors={"tiny": vector} if place % 3 else {})
            for place, (one, vector) in enumerate(zip(sample_features(), vectors, strict=False))
        ]
        predicted = bundle.predict(features, evidence=False)
        rows = [(one.inputs, one.mask) for one in predicted]
        again = rule.decide(Inputs.unpack(rows, bundle.numbers), bundle.parameters)
        for row, one in enumerate(predicted):
            if one.segment is None:
                assert (one.mask, one.decision) == (0, "review")
                continue
            assert one.segment == bundle.numbers[again.columns[row]]
            assert one.probability == again.confidence[row]
            assert (one.decision == "auto", one.conflict) == (
                again.automatic[row],
                again.conflict[row],
            )
            assert one.threshold == bundle.threshold(one.mask)


def test_a_gate_sends_creatives_below_its_threshold_to_a_person() -> None:
    parameters = Parameters(NUMBERS, np.ones(len(NUMBERS)), {SPEECH: 0.5}, 0.25)
    values = np.full((3, len(NUMBERS)), 0.1 / (len(NUMBERS) - 1))
    values[:, 4] = 0.9
    inputs = Inputs.of(Opinions(NUMBERS, {"speech": values}), values)
    assert rule.decide(inputs, parameters).automatic.all()
    gate = Gate(np.array([0.1, 0.2, np.nan]), np.full(3, 0.2))
    gated = replace(inputs, gates={"likeness": gate})
    assert rule.decide(gated, parameters).automatic.tolist() == [False, True, False]


def test_creatives_without_a_channel_are_never_automatic() -> None:
    silent = np.full((1, len(NUMBERS)), np.nan)
    inputs = Inputs.of(Opinions(NUMBERS, {"speech": silent}), silent)
    decided = rule.decide(inputs, Parameters(NUMBERS, np.ones(len(NUMBERS)), {0: 0.0}, 0.25))
    assert decided.automatic.tolist() == [False]
    assert decided.confidence.tolist() == [0.0]


def test_bytes_of_other_segments_are_refused() -> None:
    with pytest.raises(ValueError, match="reshape"):
        Inputs.unpack([(b"\0" * 2 * 2 * len(NUMBERS), SPEECH)], NUMBERS[:-1])


def test_the_basis_of_a_folder_gives_the_parameters_of_its_bundle(tmp_path: Path) -> None:
    bundle = Bundle.load(precision=0.9, priors={0: 3.0, 12: 1.0})
    loaded = Basis.load(STARTER)[0].parameters(0.9, {0: 3.0, 12: 1.0})
    assert rule.as_json(loaded) == rule.as_json(bundle.parameters)
    with pytest.raises(ArtefactError):
        Basis.load(tmp_path)


def test_held_out_creatives_of_more_than_256_segments_are_stored(tmp_path: Path) -> None:
    numbers = tuple(range(300))
    columns = np.repeat(np.array([7, 299]), 60)
    probabilities = np.zeros((120, 300))
    probabilities[np.arange(120), columns] = 0.9
    probabilities[:, 8] = 0.1
    shares = np.bincount(columns, minlength=300) / 120
    parts = replace(
        small_parts(),
        numbers=numbers,
        shares=shares,
        held_out=HeldOut(probabilities, columns, np.full(120, SPEECH, np.uint8)),
    )
    parts.save(tmp_path / "model", {}, "card")
    assert Basis.load(tmp_path / "model")[0].held_out.columns.tolist() == columns.tolist()
    assert Bundle.load(tmp_path / "model").threshold(SPEECH) == pytest.approx(0.9, abs=0.001)


def test_parts_that_do_not_fit_the_segments_are_refused(tmp_path: Path) -> None:
    parts = small_parts()
    other = held_out((SPEECH, 60, 0.9, 60, 4))
    for name, change in {
        "unsorted": {"numbers": (NUMBERS[1], NUMBERS[0], *NUMBERS[2:])},
        "twice": {"numbers": (NUMBERS[0], *NUMBERS[:-1])},
        "shares": {"shares": parts.shares[:-1]},
        "text": {"numbers": (*NUMBERS[:-1], 99), "text": Bundle.load().parts.text},
        "held out": {"held_out": replace(other, probabilities=other.probabilities[:, :-1])},
        "columns": {"held_out": replace(other, columns=other.columns + len(NUMBERS))},
    }.items():
        replace(parts, **change).save(tmp_path / name, {}, "card")  # type: ignore[arg-type]
        with pytest.raises(ArtefactError, match="do not fit its segments"):
            Bundle.load(tmp_path / name)

"""Thresholds of automatic decisions, and the effect of priors on them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from classifier.decision.bundle import LEAST_HELD_OUT, Bundle
from classifier.decision.bundle_parts import HeldOut
from classifier.decision.types import SpotFeatures
from classifier.segments import NUMBERS
from tests.bundles import (
    CARD_SCREEN,
    CARD_SPOT,
    DOUBTFUL,
    PICTURES,
    SCREEN,
    SHOP_SCREEN,
    SPEAKER_SPOT,
    SPEECH,
    held_out,
    sample_features,
    small_parts,
)

NATURAL = dict.fromkeys(NUMBERS, 1.0) | {0: 17.0}  # half of all creatives are of segment 0


@pytest.fixture(scope="module")
def starter() -> Bundle:
    return Bundle.load()


@pytest.mark.parametrize("target", [0.9, 0.95, 0.98, 0.99])
def test_threshold_reaches_its_precision_on_held_out_creatives(
    starter: Bundle, target: float
) -> None:
    held = starter.parts.held_out
    least = starter.threshold(SPEECH, target)
    assert least is not None
    automatic = held.probabilities.max(axis=1) >= least
    assert (held.probabilities.argmax(axis=1) == held.columns)[automatic].mean() >= target
    if target == 0.95:
        assert automatic.mean() >= 0.48
        assert starter.facts["thresholds"]["0.95"] == pytest.approx(least, abs=0.01)


def test_threshold_of_one_half_is_precise_on_the_other(starter: Bundle) -> None:
    held = starter.parts.held_out
    generator = np.random.default_rng(0)
    precisions = []
    for _ in range(20):
        half = generator.random(len(held.masks)) < 0.5
        chosen = HeldOut(held.probabilities[half], held.columns[half], held.masks[half])
        least = Bundle(replace(starter.parts, held_out=chosen)).threshold(SPEECH)
        assert least is not None
        automatic = ~half & (held.probabilities.max(axis=1) >= least)
        precisions.append((held.probabilities.argmax(axis=1) == held.columns)[automatic].mean())
    assert np.mean(precisions) >= 0.945
    assert min(precisions) >= 0.92


def test_higher_precision_needs_a_higher_threshold(starter: Bundle) -> None:
    levels = [starter.threshold(SPEECH, target) or 0.0 for target in (0.9, 0.95, 0.98, 0.99)]
    assert 0 < levels[0] < levels[1] < levels[2] < levels[3] < 1
    assert starter.threshold(SPEECH, 1.01) is None


def test_precision_determines_automatic_decisions(starter: Bundle) -> None:
    features = [SpotFeatures(speech=CARD_SPOT), SpotFeatures(speech=SPEAKER_SPOT[:25])]
    probabilities = [one.probability or 0.0 for one in starter.predict(features)]
    for target in (0.5, 0.9, 0.99, 1.01):
        bundle = Bundle.load(precision=target)
        least = bundle.threshold(SPEECH)
        expected = ["auto" if least and one >= least else "review" for one in probabilities]
        assert [one.decision for one in bundle.predict(features)] == expected
    assert bundle.predict(features)[0].decision == "review"


def test_threshold_of_more_channels_is_the_highest_of_their_subsets() -> None:
    groups = {
        SPEECH: (SPEECH, 100, 0.75, 96, 4),
        SCREEN: (SCREEN, 100, 0.875, 97, 4),
        SPEECH | SCREEN: (SPEECH | SCREEN, 100, 0.625, 98, 4),
        PICTURES: (PICTURES, 100, 0.9375, 50, 4),
    }

    def thresholds(*known: int) -> list[float | None]:
        held = held_out(*(groups[mask] for mask in known))
        bundle = Bundle(replace(small_parts(), held_out=held))
        return [bundle.threshold(mask) for mask in (SPEECH, SCREEN, SPEECH | SCREEN)]

    assert thresholds(SPEECH) == [0.75, None, 0.75]
    assert thresholds(SPEECH, SCREEN) == [0.75, 0.875, 0.875]
    assert thresholds(SPEECH, SCREEN, SPEECH | SCREEN) == [0.75, 0.875, 0.625]
    held = held_out(groups[SPEECH], groups[PICTURES])
    bundle = Bundle(replace(small_parts(), held_out=held))
    assert [bundle.threshold(mask) for mask in (PICTURES, SPEECH | PICTURES)] == [None, None]


def test_no_threshold_from_a_few_creatives() -> None:
    def least(count: int) -> float | None:
        held = held_out((SPEECH, count, 0.75, count, 4))
        return Bundle(replace(small_parts(), held_out=held), precision=0.9).threshold(SPEECH)

    assert least(LEAST_HELD_OUT) == 0.75
    assert least(LEAST_HELD_OUT - 1) is None


def test_evaluation_agrees_with_predictions(starter: Bundle) -> None:
    features, segments = sample_features(), [12] * len(sample_features())
    evaluation = starter.evaluate(features, segments)
    decided = starter.predict(features, evidence=False)
    assert evaluation.undecided == sum(one.segment is None for one in decided)
    assert evaluation.accuracy == np.mean([one.segment == 12 for one in decided])
    shares = {one.target: one.share for one in evaluation.coverage}
    assert shares[0.95] == np.mean([one.decision == "auto" for one in decided])
    with pytest.raises(ValueError, match="nothing to judge"):
        starter.evaluate([], [])


def test_priors_change_odds_by_bayes_rule(starter: Bundle) -> None:
    feature = [SpotFeatures(speech=DOUBTFUL, screen="Сыр 549 ₽")]
    [plain], [with_priors] = (
        starter.predict(feature),
        Bundle(starter.parts, priors=NATURAL).predict(feature),
    )
    shares = dict(zip(NUMBERS, starter.parts.shares.tolist(), strict=True))
    for one, other in ((0, 12), (3, 0), (8, 1)):
        before, after = (
            view.probabilities[one] / view.probabilities[other] for view in (plain, with_priors)
        )
        expected = NATURAL[one] / shares[one] / (NATURAL[other] / shares[other])
        assert after / before == pytest.approx(expected)
    assert sum(with_priors.probabilities.values()) == pytest.approx(1)


def test_training_shares_as_priors_change_nothing(starter: Bundle) -> None:
    own = {
        number: 1649 * share for number, share in zip(NUMBERS, starter.parts.shares, strict=True)
    }
    same = Bundle(starter.parts, priors=own)
    features = sample_features()
    for one, other in zip(same.predict(features), starter.predict(features), strict=True):
        assert (one.segment, one.decision) == (other.segment, other.decision)
        assert one.probabilities == pytest.approx(other.probabilities)
    assert same.threshold(SPEECH) == pytest.approx(starter.threshold(SPEECH))


def test_priors_change_decisions_without_conflicts(starter: Bundle) -> None:
    """A single channel can't contradict a decision that only the priors changed."""
    feature = [SpotFeatures(speech="Карта и баллы: скидка на сыр в магазине")]
    [plain] = starter.predict(feature)
    assert plain.segment != 7
    strong = dict.fromkeys(NUMBERS, 1.0) | {7: 1e6}
    [changed] = Bundle(starter.parts, priors=strong).predict(feature)
    assert changed.segment == 7
    assert not changed.conflict
    [view] = changed.channels
    assert view.probabilities == plain.channels[0].probabilities


def test_priors_never_cause_conflicts_of_a_screen_alone(starter: Bundle) -> None:
    features = [SpotFeatures(screen=one) for one in (SHOP_SCREEN, CARD_SCREEN, SPEAKER_SPOT)]
    plain = starter.predict(features, evidence=False)
    generator = np.random.default_rng(0)
    changed = 0
    for _ in range(40):
        priors = dict(
            zip(NUMBERS, (10 ** generator.uniform(-3, 3, len(NUMBERS))).tolist(), strict=True)
        )
        predictions = Bundle(starter.parts, priors=priors).predict(features, evidence=False)
        assert not any(one.conflict for one in predictions)
        changed += sum(
            one.segment != other.segment for one, other in zip(predictions, plain, strict=True)
        )
    assert changed > 20


def test_priors_weight_held_out_creatives_of_a_threshold() -> None:
    """Held out: column 4 at .75 with 90 % correct, column 8 at .625 with all correct."""
    held = held_out((SPEECH, 100, 0.75, 90, 4), (SPEECH, 100, 0.625, 100, 8))
    shares = np.zeros(len(NUMBERS))
    shares[[4, 5, 8, 9]] = 0.25
    parts = replace(small_parts(), held_out=held, shares=shares)

    def least(fourth: float, eighth: float) -> float | None:
        priors = {NUMBERS[4]: fourth, NUMBERS[5]: fourth, NUMBERS[8]: eighth, NUMBERS[9]: eighth}
        return Bundle(parts, priors=priors).threshold(SPEECH)

    assert least(1, 1) is None
    assert least(1, 9) == pytest.approx(0.625)
    assert least(9, 1) is None


def test_only_segments_of_the_training_data_need_a_prior() -> None:
    shares = small_parts().shares
    priors = {0: 5.0, 12: 1.0, 16: 1.0}
    bundle = Bundle(small_parts(), priors=priors)
    [plain] = Bundle(small_parts()).predict([SpotFeatures(speech="карта")])
    [with_priors] = bundle.predict([SpotFeatures(speech="карта")])
    assert shares[0] == pytest.approx(1 / 3)
    odds = [one.probabilities[0] / one.probabilities[12] for one in (plain, with_priors)]
    assert odds[1] / odds[0] == pytest.approx(5)


def test_priors_above_zero_for_segments_of_other_bundles_alone_change_nothing() -> None:
    """Such a mix was set for a version that knew the segment."""
    bundle = Bundle(small_parts(), priors={0: 0.0, 99: 5.0})
    assert bundle.parameters.factors.tolist() == [1.0] * len(NUMBERS)


def test_segments_without_a_prior_keep_their_share() -> None:
    numbers = small_parts().numbers
    rows = np.full((1, len(numbers)), 0.0)
    rows[0, [numbers.index(number) for number in (0, 12, 16)]] = 0.25, 0.25, 0.5
    moved = Bundle(small_parts(), priors={0: 3.0, 12: 1.0, 99: 5.0}).parameters.apply_priors(rows)[
        0
    ]
    assert moved[numbers.index(0)] == pytest.approx(0.375)
    assert moved[numbers.index(12)] == pytest.approx(0.125)
    assert moved[numbers.index(16)] == pytest.approx(0.5)


def test_priors_that_exclude_all_segments_of_a_channel_do_not_change_it() -> None:
    numbers = small_parts().numbers
    rows = np.zeros((1, len(numbers)))
    rows[0, [numbers.index(0), numbers.index(12)]] = 0.75, 0.25
    bundle = Bundle(small_parts(), priors={0: 0.0, 12: 0.0, 16: 1.0})
    assert bundle.parameters.apply_priors(rows).tolist() == rows.tolist()


@pytest.mark.parametrize(
    ("priors", "message"),
    [
        (dict.fromkeys(NUMBERS, 0.0), "positive"),
        (dict.fromkeys(NUMBERS, 1.0) | {3: -1.0}, "negative"),
        (dict.fromkeys(NUMBERS, 1.0) | {3: float("nan")}, "finite"),
    ],
)
def test_invalid_priors_are_refused(priors: dict[int, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Bundle.load(priors=priors)

"""From which probability on a bundle decides by itself, and what priors do to it."""

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
    asked,
    held_out,
    small_parts,
)

NATURAL = dict.fromkeys(NUMBERS, 1.0) | {0: 17.0}  # half of all creatives are of segment 0


@pytest.fixture(scope="module")
def starter() -> Bundle:
    return Bundle.load()


@pytest.mark.parametrize("target", [0.9, 0.95, 0.98, 0.99])
def test_a_threshold_keeps_its_promise_on_what_was_held_out(starter: Bundle, target: float) -> None:
    held = starter.parts.held_out
    least = starter.threshold(SPEECH, target)
    assert least is not None
    taken = held.probabilities.max(axis=1) >= least
    assert (held.probabilities.argmax(axis=1) == held.columns)[taken].mean() >= target
    if target == 0.95:
        assert taken.mean() >= 0.48
        assert starter.facts["thresholds"]["0.95"] == pytest.approx(least, abs=0.01)


def test_a_threshold_of_one_half_holds_on_the_other(starter: Bundle) -> None:
    held = starter.parts.held_out
    dice = np.random.default_rng(0)
    kept = []
    for _ in range(20):
        half = dice.random(len(held.masks)) < 0.5
        chosen = HeldOut(held.probabilities[half], held.columns[half], held.masks[half])
        least = Bundle(replace(starter.parts, held_out=chosen)).threshold(SPEECH)
        assert least is not None
        taken = ~half & (held.probabilities.max(axis=1) >= least)
        kept.append((held.probabilities.argmax(axis=1) == held.columns)[taken].mean())
    assert np.mean(kept) >= 0.945
    assert min(kept) >= 0.92


def test_more_precision_asks_for_more(starter: Bundle) -> None:
    levels = [starter.threshold(SPEECH, target) or 0.0 for target in (0.9, 0.95, 0.98, 0.99)]
    assert 0 < levels[0] < levels[1] < levels[2] < levels[3] < 1
    assert starter.threshold(SPEECH, 1.01) is None


def test_precision_says_what_decides_by_itself(starter: Bundle) -> None:
    features = [SpotFeatures(speech=CARD_SPOT), SpotFeatures(speech=SPEAKER_SPOT[:25])]
    sure = [one.probability or 0.0 for one in starter.predict(features)]
    for target in (0.5, 0.9, 0.99, 1.01):
        bundle = Bundle.load(precision=target)
        least = bundle.threshold(SPEECH)
        expected = ["auto" if least and one >= least else "review" for one in sure]
        assert [one.decision for one in bundle.predict(features)] == expected
    assert bundle.predict(features)[0].decision == "review"


def test_creatives_with_more_channels_need_what_any_of_them_needs() -> None:
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


def test_a_few_creatives_promise_nothing() -> None:
    def least(count: int) -> float | None:
        held = held_out((SPEECH, count, 0.75, count, 4))
        return Bundle(replace(small_parts(), held_out=held), precision=0.9).threshold(SPEECH)

    assert least(LEAST_HELD_OUT) == 0.75
    assert least(LEAST_HELD_OUT - 1) is None


def test_evaluation_counts_what_the_bundle_itself_would_decide(starter: Bundle) -> None:
    features, segments = asked(), [12] * len(asked())
    judged = starter.evaluate(features, segments)
    decided = starter.predict(features, evidence=False)
    assert judged.undecided == sum(one.segment is None for one in decided)
    assert judged.accuracy == np.mean([one.segment == 12 for one in decided])
    shares = {one.target: one.share for one in judged.coverage}
    assert shares[0.95] == np.mean([one.decision == "auto" for one in decided])
    with pytest.raises(ValueError, match="nothing to judge"):
        starter.evaluate([], [])


def test_priors_move_the_odds_as_bayes_says(starter: Bundle) -> None:
    feature = [SpotFeatures(speech=DOUBTFUL, screen="Сыр 549 ₽")]
    [plain], [natural] = (
        starter.predict(feature),
        Bundle(starter.parts, priors=NATURAL).predict(feature),
    )
    shares = dict(zip(NUMBERS, starter.parts.shares.tolist(), strict=True))
    for one, other in ((0, 12), (3, 0), (8, 1)):
        before, after = (
            view.probabilities[one] / view.probabilities[other] for view in (plain, natural)
        )
        expected = NATURAL[one] / shares[one] / (NATURAL[other] / shares[other])
        assert after / before == pytest.approx(expected)
    assert sum(natural.probabilities.values()) == pytest.approx(1)


def test_priors_that_are_those_of_the_training_change_nothing(starter: Bundle) -> None:
    own = {
        number: 1649 * share for number, share in zip(NUMBERS, starter.parts.shares, strict=True)
    }
    same = Bundle(starter.parts, priors=own)
    features = asked()
    for one, other in zip(same.predict(features), starter.predict(features), strict=True):
        assert (one.segment, one.decision) == (other.segment, other.decision)
        assert one.probabilities == pytest.approx(other.probabilities)
    assert same.threshold(SPEECH) == pytest.approx(starter.threshold(SPEECH))


def test_priors_change_decisions_and_contradict_nothing(starter: Bundle) -> None:
    """A channel alone can't contradict itself, however far priors moved the decision."""
    feature = [SpotFeatures(speech="Карта и баллы: скидка на сыр в магазине")]
    [plain] = starter.predict(feature)
    assert plain.segment != 7
    strong = dict.fromkeys(NUMBERS, 1.0) | {7: 1e6}
    [turned] = Bundle(starter.parts, priors=strong).predict(feature)
    assert turned.segment == 7
    assert not turned.conflict
    [view] = turned.channels
    assert view.probabilities == plain.channels[0].probabilities


def test_a_screen_alone_never_contradicts_itself_whatever_the_priors(starter: Bundle) -> None:
    features = [SpotFeatures(screen=one) for one in (SHOP_SCREEN, CARD_SCREEN, SPEAKER_SPOT)]
    plain = starter.predict(features, evidence=False)
    dice = np.random.default_rng(0)
    turned = 0
    for _ in range(40):
        priors = dict(zip(NUMBERS, (10 ** dice.uniform(-3, 3, len(NUMBERS))).tolist(), strict=True))
        predictions = Bundle(starter.parts, priors=priors).predict(features, evidence=False)
        assert not any(one.conflict for one in predictions)
        turned += sum(
            one.segment != other.segment for one, other in zip(predictions, plain, strict=True)
        )
    assert turned > 20


def test_what_is_common_needs_less_and_what_is_rare_more() -> None:
    """Held out: column 4 at .75 nine in ten right, column 8 at .625 all; nothing else is known."""
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


def test_only_segments_of_the_training_need_a_prior() -> None:
    shares = small_parts().shares
    priors = {0: 5.0, 12: 1.0, 16: 1.0}
    bundle = Bundle(small_parts(), priors=priors)
    [plain] = Bundle(small_parts()).predict([SpotFeatures(speech="карта")])
    [natural] = bundle.predict([SpotFeatures(speech="карта")])
    assert shares[0] == pytest.approx(1 / 3)
    odds = [one.probabilities[0] / one.probabilities[12] for one in (plain, natural)]
    assert odds[1] / odds[0] == pytest.approx(5)


@pytest.mark.parametrize(
    ("priors", "message"),
    [
        ({0: 1.0}, "no prior for segment 1, 2"),
        ({}, "no prior"),
        (dict.fromkeys(NUMBERS, 0.0), "positive"),
        (dict.fromkeys(NUMBERS, 1.0) | {3: -1.0}, "negative"),
        (dict.fromkeys(NUMBERS, 1.0) | {3: float("nan")}, "finite"),
    ],
)
def test_priors_that_are_none_are_refused(priors: dict[int, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Bundle.load(priors=priors)

"""Fusion of channels: its arithmetic, and predictions for the generated spots."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from benchmarks import spots
from benchmarks.fusion import spoken_words
from benchmarks.spots import Spot
from classifier.channels import CHANNELS, PICTURES, SCREEN, SPEECH
from classifier.decision import rule
from classifier.decision.bundle import Bundle
from classifier.decision.fusion import Fusion, Opinions, pool
from classifier.decision.rule import Inputs, Parameters
from classifier.decision.types import Prediction, SpotFeatures
from classifier.errors import ScreenUnavailable
from classifier.screen import load_screen_reader
from classifier.segments import NUMBERS
from classifier.types import Probabilities

PLAIN = Fusion(together=0.8, sharpness={})
SEGMENTS = len(NUMBERS)


def random_opinions(count: int = 60) -> Opinions:
    """Return random opinions in which each channel lacks a third of the creatives."""
    generator = np.random.default_rng(3)
    probabilities = {
        channel: generator.dirichlet(np.full(SEGMENTS, 0.2), count) for channel in CHANNELS
    }
    for values in probabilities.values():
        values[generator.random(count) < 1 / 3] = np.nan
    return Opinions(NUMBERS, probabilities)


def opinion(*shares: tuple[int, float]) -> Probabilities:
    """Return probabilities of one creative from (column, share); other columns share the rest."""
    rest = 1 - sum(share for _, share in shares)
    row = np.full((1, SEGMENTS), rest / (SEGMENTS - len(shares)))
    for column, share in shares:
        row[0, column] = share
    return row


SILENT = np.full((1, SEGMENTS), np.nan)


def conflicts(opinions: Opinions, fused: Probabilities, fusion: Fusion) -> list[bool]:
    """Return for which creatives the rule finds a conflict, without priors."""
    plain = Parameters(opinions.numbers, np.ones(len(opinions.numbers)), {}, fusion.clash)
    return rule.decide(Inputs.of(opinions, fused), plain).conflict.tolist()


def test_pooled_rows_sum_to_one_unless_all_channels_are_missing() -> None:
    opinions = random_opinions()
    has_channel = opinions.masks() > 0
    assert 0 < has_channel.sum() < len(has_channel)
    pooled = pool(opinions, PLAIN)
    assert pooled[has_channel].sum(axis=1) == pytest.approx(1)
    assert (pooled[has_channel] > 0).all()
    assert np.isnan(pooled[~has_channel]).all()


def test_single_channel_is_pooled_unchanged() -> None:
    probabilities = random_opinions().probabilities[SPEECH]
    for opinions in (
        Opinions(NUMBERS, {SPEECH: probabilities}),
        Opinions(NUMBERS, {SCREEN: np.full_like(probabilities, np.nan), SPEECH: probabilities}),
    ):
        assert pool(opinions, PLAIN) == pytest.approx(probabilities, abs=1e-4, nan_ok=True)


def test_several_channels_are_weighted_by_the_parameter_together() -> None:
    one, other = opinion((4, 0.7)), opinion((4, 0.5), (5, 0.3))
    for together in (0.5, 0.8, 1.0):
        expected = (one * other) ** together
        pooled = pool(Opinions(NUMBERS, {SPEECH: one, SCREEN: other}), Fusion(together=together))
        assert pooled == pytest.approx(expected / expected.sum())
    three = pool(
        Opinions(NUMBERS, {SPEECH: one, SCREEN: other, PICTURES: one}), Fusion(together=0.8)
    )
    powers = (one * other * one) ** 0.8
    assert three == pytest.approx(powers / powers.sum())


def test_agreement_raises_probability_and_a_uniform_channel_hardly_changes_it() -> None:
    confident, flat = opinion((4, 0.6)), opinion()
    both = pool(Opinions(NUMBERS, {SPEECH: confident, SCREEN: confident}), PLAIN)[0, 4]
    beside_doubt = pool(Opinions(NUMBERS, {SPEECH: confident, SCREEN: flat}), PLAIN)[0, 4]
    assert both > 0.8
    assert 0.4 < beside_doubt <= 0.6


def test_order_of_channels_does_not_matter() -> None:
    opinions = random_opinions()
    reverse = Opinions(NUMBERS, dict(reversed(list(opinions.probabilities.items()))))
    assert list(reverse.probabilities) != list(opinions.probabilities)
    pooled = pool(opinions, PLAIN)
    assert pool(reverse, PLAIN) == pytest.approx(pooled, nan_ok=True)
    assert (reverse.masks() == opinions.masks()).all()
    assert conflicts(reverse, pooled, PLAIN) == conflicts(opinions, pooled, PLAIN)


def test_creatives_are_pooled_independently() -> None:
    opinions = random_opinions()
    pooled = pool(opinions, PLAIN)
    for row in range(len(pooled)):
        alone = Opinions(
            NUMBERS, {name: values[[row]] for name, values in opinions.probabilities.items()}
        )
        assert pool(alone, PLAIN) == pytest.approx(pooled[[row]], nan_ok=True)


def test_zero_probability_of_one_channel_does_not_exclude_a_segment() -> None:
    certain, confident = opinion((4, 0.0), (5, 1.0)), opinion((4, 1 - 1e-9))
    pooled = pool(Opinions(NUMBERS, {SPEECH: certain, SCREEN: confident}), PLAIN)
    assert np.isfinite(pooled).all()
    assert pooled[0, 4] > 0.1


def test_screen_terms_apply_to_all_channels_together() -> None:
    """Columns 0 and 1 are shops, 6 a bank. The terms favour column 0 over 1 by 4 to 1."""
    speech, screen = opinion((0, 0.2), (1, 0.4), (6, 0.3)), opinion((0, 0.3), (1, 0.3), (6, 0.3))
    likely = np.ones((1, SEGMENTS))
    likely[0, 1] = 0.25
    plain, probabilities = (
        Opinions(NUMBERS, {SPEECH: speech, SCREEN: screen}),
        {SPEECH: speech, SCREEN: screen},
    )
    before, after = pool(plain, PLAIN)[0], pool(Opinions(NUMBERS, probabilities, likely), PLAIN)[0]
    assert after[0] / after[1] == pytest.approx(4 * before[0] / before[1])
    assert after[:6].sum() == pytest.approx(before[:6].sum())
    assert after[6] == pytest.approx(before[6])
    opinions = Opinions(NUMBERS, probabilities, likely)
    assert opinions.for_channel(SPEECH) is speech
    assert opinions.for_channel(SCREEN)[0, 0] == pytest.approx(
        4 * opinions.for_channel(SCREEN)[0, 1]
    )
    assert opinions.for_channel(SCREEN).sum() == pytest.approx(1)
    assert plain.for_channel(SCREEN) is screen


def test_selected_opinions_keep_their_probabilities_and_terms() -> None:
    whole = random_opinions()
    likely = np.random.default_rng(1).random((60, SEGMENTS)) + 0.1
    opinions = Opinions(NUMBERS, whole.probabilities, likely)
    rows = np.array([5, 2, 40])
    assert pool(opinions.select(rows), PLAIN) == pytest.approx(
        pool(opinions, PLAIN)[rows], nan_ok=True
    )
    assert whole.select(rows).likely is None


def test_masks_have_a_bit_for_each_present_channel() -> None:
    probabilities = opinion((4, 0.6))
    opinions = Opinions(
        NUMBERS,
        {
            PICTURES: np.concatenate([SILENT, SILENT, probabilities, SILENT]),
            SPEECH: np.concatenate([probabilities, probabilities, probabilities, SILENT]),
            SCREEN: np.concatenate([SILENT, probabilities, SILENT, SILENT]),
        },
    )
    assert opinions.masks().tolist() == [0b001, 0b011, 0b101, 0]
    assert opinions.has_channel(SCREEN).tolist() == [False, True, False, False]
    assert Opinions(NUMBERS, {SCREEN: probabilities}).masks().tolist() == [0b010]


def test_conflict_needs_another_segment_with_the_clash_probability() -> None:
    fusion = Fusion(clash=0.3)
    predicted = opinion((4, 0.9))
    for probabilities, expected in (
        (opinion((5, 0.301)), True),
        (opinion((5, 0.29)), False),
        (opinion((4, 0.3)), False),
        (opinion((5, 0.4), (4, 0.5)), False),
        (SILENT, False),
    ):
        assert conflicts(
            Opinions(NUMBERS, {SPEECH: predicted, SCREEN: probabilities}), predicted, fusion
        ) == [expected]
    assert conflicts(Opinions(NUMBERS, {SPEECH: SILENT}), SILENT, fusion) == [False]


def test_sharpness_below_one_lowers_confidence_and_keeps_the_order() -> None:
    fusion = Fusion(sharpness={SCREEN: 0.7})
    probabilities = random_opinions().probabilities[SCREEN]
    sharpened = fusion.sharpen(SCREEN, probabilities)
    has_channel = ~np.isnan(probabilities[:, 0])
    assert sharpened[has_channel].sum(axis=1) == pytest.approx(1)
    assert (sharpened.argmax(axis=1) == probabilities.argmax(axis=1)).all()
    assert (sharpened[has_channel].max(axis=1) < probabilities[has_channel].max(axis=1)).all()
    assert np.isnan(sharpened[~has_channel]).all()
    assert fusion.sharpen(SPEECH, probabilities) == pytest.approx(
        probabilities, abs=1e-4, nan_ok=True
    )
    expected = np.array([0.8, 0.2]) ** 0.7
    assert fusion.sharpen(SCREEN, np.array([0.8, 0.2])) == pytest.approx(expected / expected.sum())


# The generated spots


@pytest.fixture(scope="module")
def read_screens() -> dict[str, str]:
    """The texts that the real reader reads on the screens of twelve spots, one frame per card.

    Empty on a computer that can't read screens.
    """
    try:
        reader = load_screen_reader()
    except ScreenUnavailable:
        return {}
    shown = [spot for spot in spots.load() if spot.cards]
    assert len(shown) == 144
    frames = {one.id: spots.render(one, seed=0)[:: spots.FRAMES_A_CARD] for one in shown[::12]}
    return {name: reader.read(pictures).text for name, pictures in frames.items()}


def card_text(spot: Spot) -> str:
    """Return the words of the cards without reading errors."""
    return "\n".join(line.removeprefix("*") for card in spot.cards for line in card)


Predicted = list[tuple[Spot, SpotFeatures, Prediction]]


@pytest.fixture(scope="module")
def predicted(read_screens: dict[str, str]) -> Predicted:
    """All spots with the starter's predictions.

    Only twelve screens are read, because reading all takes most of a minute; the others have the
    text of their cards. ``benchmarks/fusion.py`` reads all.
    """
    loaded = spots.load()
    features = [
        SpotFeatures(
            speech=spoken_words(one.speech), screen=read_screens.get(one.id, card_text(one))
        )
        for one in loaded
    ]
    predictions = Bundle.load().predict(features, evidence=False)
    return list(zip(loaded, features, predictions, strict=True))


def of_kind(predicted: Predicted, kind: str) -> Predicted:
    return [one for one in predicted if one[0].kind == kind]


def count_correct(chosen: Predicted, predictions: Sequence[Prediction] | None = None) -> int:
    """Return the number of correct predictions, by default of those in ``chosen``."""
    evaluated = predictions or [prediction for _, _, prediction in chosen]
    return sum(
        one.segment == spot.segment for (spot, _, _), one in zip(chosen, evaluated, strict=True)
    )


def test_read_screens_are_of_all_kinds_and_predicted_like_their_text(
    read_screens: dict[str, str], predicted: Predicted
) -> None:
    if not read_screens:
        pytest.skip("no screen text: the screen reader needs Debian's tesseract packages")
    assert len(read_screens) == 12
    assert all(read_screens.values())
    chosen = [one for one in predicted if one[0].id in read_screens]
    assert {spot.kind for spot, _, _ in chosen} == {"screen_only", "agreeing", "contradicting"}
    features = [SpotFeatures(speech=one.speech, screen=card_text(spot)) for spot, one, _ in chosen]
    expected = Bundle.load().predict(features, evidence=False)
    agreed = sum(
        one.segment == other.segment
        for (_, _, one), other in zip(chosen, expected, strict=True)
    )  # fmt: skip
    assert agreed >= 11


def test_fusion_is_at_least_as_good_as_the_better_channel(predicted: Predicted) -> None:
    chosen = of_kind(predicted, "agreeing")
    assert len(chosen) == 36
    bundle = Bundle.load()
    speech = bundle.predict([SpotFeatures(speech=one.speech) for _, one, _ in chosen], False)
    screen = bundle.predict([SpotFeatures(screen=one.screen) for _, one, _ in chosen], False)
    assert count_correct(chosen) >= max(
        count_correct(chosen, speech), count_correct(chosen, screen)
    )
    assert count_correct(chosen) >= 0.8 * len(chosen)


def test_automatic_decisions_with_both_channels_are_correct(predicted: Predicted) -> None:
    automatic = [one for one in of_kind(predicted, "agreeing") if one[2].decision == "auto"]
    assert len(automatic) >= 12
    assert count_correct(automatic) >= 0.9 * len(automatic)


def test_screen_alone_is_predicted_but_left_for_review(predicted: Predicted) -> None:
    chosen = of_kind(predicted, "screen_only")
    assert len(chosen) == 72
    assert count_correct(chosen) >= 0.8 * len(chosen)
    assert {one.decision for _, _, one in chosen} == {"review"}
    assert not any(one.conflict for _, _, one in chosen)


def test_speech_alone_is_predicted_and_partly_automatic(predicted: Predicted) -> None:
    chosen = of_kind(predicted, "speech_only")
    assert len(chosen) == 36
    assert count_correct(chosen) >= 0.8 * len(chosen)
    assert {one.decision for _, _, one in chosen} == {"auto", "review"}


def test_contradicting_channels_are_for_review(predicted: Predicted) -> None:
    chosen = [prediction for _, _, prediction in of_kind(predicted, "contradicting")]
    assert len(chosen) == 36
    assert {one.decision for one in chosen} == {"review"}
    assert sum(one.conflict for one in chosen) >= 34
    assert all(len(one.channels) == 2 for one in chosen)


def test_a_channel_abstains_on_segments_that_it_never_learned() -> None:
    speech = np.full((1, len(NUMBERS)), 0.3 / (len(NUMBERS) - 1))
    speech[0, 3] = 0.7
    pictures = np.full((1, len(NUMBERS)), 0.04 / (len(NUMBERS) - 2))
    pictures[0, [3, 9]] = 0.0, 0.96
    known = {PICTURES: np.arange(len(NUMBERS)) != 3}
    fused = pool(Opinions(NUMBERS, {PICTURES: pictures, SPEECH: speech}, known=known), Fusion())
    assert fused[0, 3] == pytest.approx(0.7)
    assert fused.sum() == pytest.approx(1)
    # Among the segments that they know, pictures count.
    assert fused[0].argsort()[::-1][:2].tolist() == [3, 9]
    veto = pool(Opinions(NUMBERS, {PICTURES: pictures, SPEECH: speech}), Fusion())
    assert veto[0].argmax() == 9


def test_a_segment_that_only_one_channel_knows_can_be_predicted_beside_another() -> None:
    speech = np.full((1, len(NUMBERS)), 1 / (len(NUMBERS) - 1))
    speech[0, 3] = 0.0
    pictures = np.full((1, len(NUMBERS)), 0.1 / (len(NUMBERS) - 1))
    pictures[0, 3] = 0.9
    known = {SPEECH: np.arange(len(NUMBERS)) != 3}
    both = Opinions(NUMBERS, {SPEECH: speech, PICTURES: pictures}, known=known)
    assert pool(both, Fusion())[0].argmax() == 3
    assert pool(Opinions(NUMBERS, {SPEECH: speech}, known=known), Fusion())[0, 3] == 0


def test_pooling_is_symmetric_where_channels_know_different_segments() -> None:
    """Text alone knows column 3, pictures alone column 9: both compare it with what they share."""
    speech, pictures = opinion((6, 0.9), (9, 0.0)), opinion((9, 0.98), (3, 0.0))
    known = {
        SPEECH: np.arange(SEGMENTS) != 9,
        SCREEN: np.arange(SEGMENTS) != 9,
        PICTURES: np.arange(SEGMENTS) != 3,
    }
    by_channel = {SPEECH: speech, PICTURES: pictures, SCREEN: SILENT}
    pooled = pool(Opinions(NUMBERS, by_channel, known=known), Fusion())
    assert pooled[0, 9] > 0.95
    shared = known[SPEECH] & known[PICTURES]
    assert pooled[0, 9] / pooled[0, shared].sum() == pytest.approx(0.98 / 0.02)
    assert pooled[0, 3] / pooled[0, shared].sum() == pytest.approx(
        speech[0, 3] / (1 - speech[0, 3])
    )
    for order in ((PICTURES, SPEECH, SCREEN), (SCREEN, PICTURES, SPEECH)):
        turned = {name: by_channel[name] for name in order}
        assert (pool(Opinions(NUMBERS, turned, known=known), Fusion()) == pooled).all()
    # Roles exchanged: what decides is what a channel knows, not which channel it is.
    swapped = {SPEECH: pictures, PICTURES: speech}
    exchanged = {SPEECH: known[PICTURES], PICTURES: known[SPEECH]}
    assert pool(Opinions(NUMBERS, swapped, known=exchanged), Fusion()) == pytest.approx(pooled)


def test_two_channels_that_know_a_segment_compare_it_together() -> None:
    speech, screen = opinion((3, 0.5), (6, 0.2)), opinion((3, 0.4), (6, 0.4))
    known = {PICTURES: np.arange(SEGMENTS) != 3}
    texts = pool(Opinions(NUMBERS, {SPEECH: speech, SCREEN: screen}), Fusion())
    pictures = opinion((9, 0.6), (3, 0.0))
    by_channel = {SPEECH: speech, SCREEN: screen, PICTURES: pictures}
    assert pool(Opinions(NUMBERS, by_channel, known=known), Fusion())[0, 3] == pytest.approx(
        texts[0, 3]
    )


def test_channels_that_share_no_segment_count_equally() -> None:
    speech, pictures = opinion((0, 0.75), (1, 0.25)), opinion((6, 0.6), (7, 0.4))
    known = {SPEECH: np.arange(SEGMENTS) < 2, PICTURES: np.isin(np.arange(SEGMENTS), [6, 7])}
    pooled = pool(Opinions(NUMBERS, {SPEECH: speech, PICTURES: pictures}, known=known), Fusion())
    assert pooled[0, [0, 1, 6, 7]] == pytest.approx([0.375, 0.125, 0.3, 0.2])
    assert pooled[0].sum() == pytest.approx(1)


def certain(column: int) -> Probabilities:
    result = np.zeros((1, SEGMENTS))
    result[0, column] = 1.0
    return result


def test_a_channel_contradicts_no_segment_that_it_never_learned_if_another_compared_them() -> None:
    """Column 3 is predicted, and pictures, which never learned it, say 9."""
    known = {PICTURES: np.arange(SEGMENTS) != 3}
    both = {PICTURES: opinion((9, 0.99)), SPEECH: opinion((3, 0.9))}
    unlearned = {**both, PICTURES: opinion((9, 0.99), (3, 0.0))}
    assert conflicts(Opinions(NUMBERS, unlearned, known=known), certain(3), Fusion()) == [False]
    # Pictures that learned both contradict.
    assert conflicts(Opinions(NUMBERS, both), certain(3), Fusion()) == [True]
    # No channel has compared column 3 with column 9.
    apart = {**known, SPEECH: np.arange(SEGMENTS) != 9}
    unlearned[SPEECH] = opinion((3, 0.9), (9, 0.0))
    assert conflicts(Opinions(NUMBERS, unlearned, known=apart), certain(3), Fusion()) == [True]
    # A channel that the creative lacks compares nothing.
    silent = {**unlearned, SCREEN: SILENT}
    assert conflicts(Opinions(NUMBERS, silent, known=apart), certain(3), Fusion()) == [True]

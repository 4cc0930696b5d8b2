"""Several channels, one decision: the arithmetic, and the generated spots."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from benchmarks import spots
from benchmarks.fusion import spoken_words
from benchmarks.spots import Spot
from classifier.channels import CHANNELS, PICTURES, SCREEN, SPEECH
from classifier.decision.bundle import Bundle
from classifier.decision.fusion import Fusion, Opinions, conflicts, pool
from classifier.decision.types import Prediction, SpotFeatures
from classifier.errors import ScreenUnavailable
from classifier.screen import load_screen_reader
from classifier.segments import NUMBERS
from classifier.types import Probabilities

PLAIN = Fusion(together=0.8, sharpness={})
SEGMENTS = len(NUMBERS)


def random_opinions(count: int = 60) -> Opinions:
    """Of every creative each channel says something or, in one case of three, nothing."""
    dice = np.random.default_rng(3)
    said = {channel: dice.dirichlet(np.full(SEGMENTS, 0.2), count) for channel in CHANNELS}
    for probabilities in said.values():
        probabilities[dice.random(count) < 1 / 3] = np.nan
    return Opinions(said)


def opinion(*shares: tuple[int, float]) -> Probabilities:
    """One creative: these columns as given, the others share the rest."""
    rest = 1 - sum(share for _, share in shares)
    row = np.full((1, SEGMENTS), rest / (SEGMENTS - len(shares)))
    for column, share in shares:
        row[0, column] = share
    return row


SILENT = np.full((1, SEGMENTS), np.nan)


def test_what_is_pooled_is_a_probability_wherever_a_channel_speaks() -> None:
    opinions = random_opinions()
    has_channel = opinions.masks() > 0
    assert 0 < has_channel.sum() < len(has_channel)
    pooled = pool(opinions, PLAIN)
    assert pooled[has_channel].sum(axis=1) == pytest.approx(1)
    assert (pooled[has_channel] > 0).all()
    assert np.isnan(pooled[~has_channel]).all()


def test_a_channel_alone_is_believed_as_it_is() -> None:
    said = random_opinions().probabilities[SPEECH]
    for opinions in (
        Opinions({SPEECH: said}),
        Opinions({SCREEN: np.full_like(said, np.nan), SPEECH: said}),
    ):
        assert pool(opinions, PLAIN) == pytest.approx(said, abs=1e-4, nan_ok=True)


def test_beside_others_each_counts_less_than_whole() -> None:
    one, other = opinion((4, 0.7)), opinion((4, 0.5), (5, 0.3))
    for together in (0.5, 0.8, 1.0):
        expected = (one * other) ** together
        pooled = pool(Opinions({SPEECH: one, SCREEN: other}), Fusion(together=together))
        assert pooled == pytest.approx(expected / expected.sum())
    three = pool(Opinions({SPEECH: one, SCREEN: other, PICTURES: one}), Fusion(together=0.8))
    powers = (one * other * one) ** 0.8
    assert three == pytest.approx(powers / powers.sum())


def test_agreement_makes_surer_and_doubt_changes_little() -> None:
    sure, flat = opinion((4, 0.6)), opinion()
    both = pool(Opinions({SPEECH: sure, SCREEN: sure}), PLAIN)[0, 4]
    beside_doubt = pool(Opinions({SPEECH: sure, SCREEN: flat}), PLAIN)[0, 4]
    assert both > 0.8
    assert 0.4 < beside_doubt <= 0.6


def test_the_order_of_channels_does_not_matter() -> None:
    opinions = random_opinions()
    reverse = Opinions(dict(reversed(list(opinions.probabilities.items()))))
    assert list(reverse.probabilities) != list(opinions.probabilities)
    pooled = pool(opinions, PLAIN)
    assert pool(reverse, PLAIN) == pytest.approx(pooled, nan_ok=True)
    assert (reverse.masks() == opinions.masks()).all()
    assert (conflicts(reverse, pooled, PLAIN) == conflicts(opinions, pooled, PLAIN)).all()


def test_creatives_do_not_touch_each_other() -> None:
    opinions = random_opinions()
    pooled = pool(opinions, PLAIN)
    for row in range(len(pooled)):
        alone = Opinions({name: said[[row]] for name, said in opinions.probabilities.items()})
        assert pool(alone, PLAIN) == pytest.approx(pooled[[row]], nan_ok=True)


def test_nothing_is_impossible_because_one_channel_never_heard_of_it() -> None:
    never, sure = opinion((4, 0.0), (5, 1.0)), opinion((4, 1 - 1e-9))
    pooled = pool(Opinions({SPEECH: never, SCREEN: sure}), PLAIN)
    assert np.isfinite(pooled).all()
    assert pooled[0, 4] > 0.1


def test_what_a_screen_names_weighs_all_channels_together() -> None:
    """Columns 0 and 1 are shops, 6 a bank. The terms say 4 to 1 for the first shop."""
    speech, screen = opinion((0, 0.2), (1, 0.4), (6, 0.3)), opinion((0, 0.3), (1, 0.3), (6, 0.3))
    likely = np.ones((1, SEGMENTS))
    likely[0, 1] = 0.25
    plain, said = Opinions({SPEECH: speech, SCREEN: screen}), {SPEECH: speech, SCREEN: screen}
    before, after = pool(plain, PLAIN)[0], pool(Opinions(said, likely), PLAIN)[0]
    assert after[0] / after[1] == pytest.approx(4 * before[0] / before[1])
    assert after[:6].sum() == pytest.approx(before[:6].sum())
    assert after[6] == pytest.approx(before[6])
    opinions = Opinions(said, likely)
    assert opinions.for_channel(SPEECH) is speech
    assert opinions.for_channel(SCREEN)[0, 0] == pytest.approx(
        4 * opinions.for_channel(SCREEN)[0, 1]
    )
    assert opinions.for_channel(SCREEN).sum() == pytest.approx(1)
    assert plain.for_channel(SCREEN) is screen


def test_the_opinions_of_some_creatives_are_theirs() -> None:
    whole = random_opinions()
    likely = np.random.default_rng(1).random((60, SEGMENTS)) + 0.1
    opinions = Opinions(whole.probabilities, likely)
    rows = np.array([5, 2, 40])
    assert pool(opinions.of(rows), PLAIN) == pytest.approx(pool(opinions, PLAIN)[rows], nan_ok=True)
    assert whole.of(rows).likely is None


def test_masks_name_the_channels_that_speak() -> None:
    said = opinion((4, 0.6))
    opinions = Opinions(
        {
            PICTURES: np.concatenate([SILENT, SILENT, said, SILENT]),
            SPEECH: np.concatenate([said, said, said, SILENT]),
            SCREEN: np.concatenate([SILENT, said, SILENT, SILENT]),
        }
    )
    assert opinions.masks().tolist() == [0b001, 0b011, 0b101, 0]
    assert opinions.has_channel(SCREEN).tolist() == [False, True, False, False]
    assert Opinions({SCREEN: said}).masks().tolist() == [0b010]


def test_a_channel_contradicts_when_it_is_sure_enough_of_another_segment() -> None:
    fusion = Fusion(clash=0.3)
    decided = opinion((4, 0.9))
    for said, expected in (
        (opinion((5, 0.3)), True),
        (opinion((5, 0.29)), False),
        (opinion((4, 0.3)), False),
        (opinion((5, 0.4), (4, 0.5)), False),
        (SILENT, False),
    ):
        assert conflicts(Opinions({SPEECH: decided, SCREEN: said}), decided, fusion) == [expected]
    assert conflicts(Opinions({SPEECH: SILENT}), SILENT, fusion).tolist() == [False]


def test_a_blunted_channel_keeps_its_order_and_is_less_sure() -> None:
    fusion = Fusion(sharpness={SCREEN: 0.7})
    said = random_opinions().probabilities[SCREEN]
    blunt = fusion.sharpen(SCREEN, said)
    has_channel = ~np.isnan(said[:, 0])
    assert blunt[has_channel].sum(axis=1) == pytest.approx(1)
    assert (blunt.argmax(axis=1) == said.argmax(axis=1)).all()
    assert (blunt[has_channel].max(axis=1) < said[has_channel].max(axis=1)).all()
    assert np.isnan(blunt[~has_channel]).all()
    assert fusion.sharpen(SPEECH, said) == pytest.approx(said, abs=1e-4, nan_ok=True)
    expected = np.array([0.8, 0.2]) ** 0.7
    assert fusion.sharpen(SCREEN, np.array([0.8, 0.2])) == pytest.approx(expected / expected.sum())


# The generated spots


@pytest.fixture(scope="module")
def read() -> dict[str, str]:
    """What the real reader reads of a fixed dozen of the spots' screens, one frame a card."""
    try:
        reader = load_screen_reader()
    except ScreenUnavailable as error:
        pytest.skip(str(error))
    shown = [spot for spot in spots.load() if spot.cards]
    assert len(shown) == 144
    frames = {one.id: spots.render(one, seed=0)[:: spots.FRAMES_A_CARD] for one in shown[::12]}
    return {name: reader.read(pictures).text for name, pictures in frames.items()}


def printed(spot: Spot) -> str:
    """The words of the cards, as a reader without fault would read them."""
    return "\n".join(line.removeprefix("*") for card in spot.cards for line in card)


Decided = list[tuple[Spot, SpotFeatures, Prediction]]


@pytest.fixture(scope="module")
def decided(read: dict[str, str]) -> Decided:
    """All spots with the starter's decisions. Reading all screens takes most of a minute, so all
    but the dozen are taken word for word; ``benchmarks/fusion.py`` reads them all."""
    loaded = spots.load()
    features = [
        SpotFeatures(speech=spoken_words(one.speech), screen=read.get(one.id, printed(one)))
        for one in loaded
    ]
    predictions = Bundle.load().predict(features, evidence=False)
    return list(zip(loaded, features, predictions, strict=True))


def of(decided: Decided, kind: str) -> Decided:
    return [one for one in decided if one[0].kind == kind]


def right(chosen: Decided, predictions: Sequence[Prediction] | None = None) -> int:
    """How many are right; by other predictions of them where given."""
    judged = predictions or [prediction for _, _, prediction in chosen]
    return sum(
        one.segment == spot.segment for (spot, _, _), one in zip(chosen, judged, strict=True)
    )


def test_the_dozen_that_is_really_read_has_screens_of_all_kinds(
    read: dict[str, str], decided: Decided
) -> None:
    assert len(read) == 12
    assert all(read.values())
    chosen = [one for one in decided if one[0].id in read]
    assert {spot.kind for spot, _, _ in chosen} == {"screen_only", "agreeing", "contradicting"}
    asked = [SpotFeatures(speech=one.speech, screen=printed(spot)) for spot, one, _ in chosen]
    faultless = Bundle.load().predict(asked, evidence=False)
    agreed = sum(
        one.segment == other.segment
        for (_, _, one), other in zip(chosen, faultless, strict=True)
    )  # fmt: skip
    assert agreed >= 11


def test_with_both_channels_fusion_is_at_least_as_good_as_the_better_one(decided: Decided) -> None:
    chosen = of(decided, "agreeing")
    assert len(chosen) == 36
    bundle = Bundle.load()
    speech = bundle.predict([SpotFeatures(speech=one.speech) for _, one, _ in chosen], False)
    screen = bundle.predict([SpotFeatures(screen=one.screen) for _, one, _ in chosen], False)
    assert right(chosen) >= max(right(chosen, speech), right(chosen, screen))
    assert right(chosen) >= 0.8 * len(chosen)


def test_what_both_channels_decide_by_themselves_is_right(decided: Decided) -> None:
    automatic = [one for one in of(decided, "agreeing") if one[2].decision == "auto"]
    assert len(automatic) >= 12
    assert right(automatic) >= 0.9 * len(automatic)


def test_a_clear_screen_is_enough_to_find_the_segment_but_not_to_decide(decided: Decided) -> None:
    chosen = of(decided, "screen_only")
    assert len(chosen) == 72
    assert right(chosen) >= 0.8 * len(chosen)
    assert {one.decision for _, _, one in chosen} == {"review"}
    assert not any(one.conflict for _, _, one in chosen)


def test_speech_alone_is_decided_as_by_the_text_model(decided: Decided) -> None:
    chosen = of(decided, "speech_only")
    assert len(chosen) == 36
    assert right(chosen) >= 0.8 * len(chosen)
    assert {one.decision for _, _, one in chosen} == {"auto", "review"}


def test_all_that_contradict_themselves_are_looked_at_by_a_person(decided: Decided) -> None:
    chosen = [prediction for _, _, prediction in of(decided, "contradicting")]
    assert len(chosen) == 36
    assert {one.decision for one in chosen} == {"review"}
    assert sum(one.conflict for one in chosen) >= 34
    assert all(len(one.channels) == 2 for one in chosen)

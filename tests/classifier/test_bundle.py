"""Predictions of a bundle: probabilities, decisions, evidence; and its folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier import Bundle as PublicBundle
from classifier.decision.bundle import Bundle
from classifier.decision.bundle_parts import CARD, STARTER
from classifier.decision.types import Prediction, SpotFeatures
from classifier.pictures.nearest_neighbours import NearestNeighbours
from classifier.screen import terms
from classifier.segments import NUMBERS
from classifier.text.lexicon import lexicon_digest
from classifier.text.linear_model import TextPrediction
from tests.bundles import (
    CARD_SCREEN,
    CARD_SPOT,
    DOUBTFUL,
    PICTURES,
    SCREEN,
    SHOP_SCREEN,
    SPEAKER_SPOT,
    SPEECH,
    rows,
    sample_features,
    small_parts,
)


@pytest.fixture(scope="module")
def starter() -> Bundle:
    return Bundle.load()


def figures(predictions: Iterable[Prediction]) -> list[list[float]]:
    return [list(one.probabilities.values()) for one in predictions]


def outcomes(predictions: Iterable[Prediction]) -> list[tuple[int | None, str, bool]]:
    return [(one.segment, one.decision, one.conflict) for one in predictions]


def test_package_exports_the_bundle() -> None:
    assert PublicBundle is Bundle


def test_clear_text_is_decided_automatically(starter: Bundle) -> None:
    spoken, both = starter.predict(
        [SpotFeatures(speech=CARD_SPOT), SpotFeatures(speech=CARD_SPOT, screen=CARD_SCREEN)]
    )
    assert outcomes([spoken, both]) == [(12, "auto", False), (12, "auto", False)]
    assert [one.name for one in spoken.channels] == ["speech"]
    assert {one.name for one in both.channels} == {"speech", "screen"}


def test_ambiguous_text_is_for_review(starter: Bundle) -> None:
    [prediction] = starter.predict([SpotFeatures(speech=DOUBTFUL)])
    assert prediction.decision == "review"
    assert not prediction.conflict


def test_starter_has_no_threshold_for_screens_alone(
    starter: Bundle,
) -> None:
    lenient = Bundle.load(precision=0.8)
    shown, spoken = lenient.predict(
        [SpotFeatures(screen=CARD_SCREEN), SpotFeatures(speech=CARD_SPOT)]
    )
    assert (shown.segment, shown.decision, spoken.decision) == (12, "review", "auto")
    assert (shown.probability or 0) > (lenient.threshold(SPEECH) or 1) + 0.1
    assert [starter.threshold(SCREEN, target) for target in (0.5, 0.95)] == [None, None]
    assert starter.threshold(SCREEN | PICTURES) is None


def test_conflicting_channel_is_for_review(starter: Bundle) -> None:
    [prediction] = starter.predict([SpotFeatures(speech=CARD_SPOT, screen=SHOP_SCREEN)])
    assert prediction.conflict
    assert prediction.decision == "review"
    first, second = (Prediction(view.probabilities).segment for view in prediction.channels)
    assert first == prediction.segment
    assert second != prediction.segment


def test_probabilities_cover_all_segments(starter: Bundle) -> None:
    for bundle in (starter, Bundle(small_parts())):
        for prediction in bundle.predict(sample_features(), evidence=False):
            views = [view.probabilities for view in prediction.channels]
            for found in [prediction.probabilities, *views] if views else []:
                assert tuple(found) == NUMBERS
                assert sum(found.values()) == pytest.approx(1)
                assert all(type(value) is float for value in found.values())


def test_creative_without_channels_has_no_prediction(starter: Bundle) -> None:
    nothing, spoken = starter.predict([SpotFeatures(), SpotFeatures(speech=CARD_SPOT)])
    assert nothing == Prediction({})
    assert (nothing.segment, nothing.probability, nothing.candidates(3)) == (None, None, ())
    assert spoken.segment == 12
    assert starter.predict([]) == []


def test_prediction_does_not_depend_on_the_batch(starter: Bundle) -> None:
    features = sample_features()
    together = starter.predict(features)
    places = np.random.default_rng(0).permutation(len(features)).tolist()
    shuffled = starter.predict([features[place] for place in places])
    for place, other in zip(places, shuffled, strict=True):
        [alone] = starter.predict([features[place]])
        for one in (other, alone):
            assert outcomes([one]) == outcomes([together[place]])
            assert figures([one]) == pytest.approx(np.array(figures([together[place]])))
            assert [view.evidence for view in one.channels] == [
                view.evidence for view in together[place].channels
            ]


def test_two_loaded_bundles_are_independent(starter: Bundle, tmp_path: Path) -> None:
    small_parts().save(tmp_path / "small", {}, "card")
    features = [SpotFeatures(speech="скидка: сыр и молоко"), SpotFeatures(speech=SPEAKER_SPOT)]
    alone = starter.predict(features)
    small, again = Bundle.load(tmp_path / "small"), Bundle.load()
    for _ in range(2):
        assert figures(again.predict(features)) == figures(alone)
        assert figures(small.predict(features)) == figures(Bundle(small_parts()).predict(features))
    assert figures(small.predict(features)) != figures(alone)
    assert small.threshold(SPEECH) != starter.threshold(SPEECH)
    assert small.facts != starter.facts


def test_candidates_are_sorted_by_probability() -> None:
    prediction = Prediction({5: 0.2, 3: 0.5, 1: 0.2, 8: 0.1})
    assert (prediction.segment, prediction.probability) == (3, 0.5)
    assert prediction.candidates(3) == ((3, 0.5), (1, 0.2), (5, 0.2))


# Evidence


@pytest.mark.parametrize("screen", [CARD_SCREEN, f"  {SHOP_SCREEN}\nКарта клуба: баллы"])
def test_evidence_is_a_slice_of_the_given_text(starter: Bundle, screen: str) -> None:
    feature = SpotFeatures(speech=f"  Ну что,\tЁлка? {CARD_SPOT} ", screen=screen)
    [prediction] = starter.predict([feature])
    for view in prediction.channels:
        text = {"speech": feature.speech, "screen": feature.screen}[view.name]
        assert 1 <= len(view.evidence) <= 6
        for one in view.evidence:
            assert text[one.start : one.end] == one.text
            assert one.weight > 0


def test_screen_evidence_starts_with_terms_and_has_no_overlaps(
    starter: Bundle,
) -> None:
    [prediction] = starter.predict([SpotFeatures(screen=SHOP_SCREEN)])
    assert prediction.segment == 3
    [view] = prediction.channels
    named = terms.evidence(SHOP_SCREEN, 3)
    assert view.evidence[: len(named)] == named
    assert {one.text for one in named} >= {"549 ₽", "Достав"}
    spans = sorted((one.start, one.end) for one in view.evidence)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))


def test_channels_are_sorted_by_probability_of_the_predicted_segment(starter: Bundle) -> None:
    for prediction in starter.predict(sample_features(), evidence=False):
        probabilities = [
            view.probabilities[prediction.segment or 0] for view in prediction.channels
        ]
        assert probabilities == sorted(probabilities, reverse=True)


def test_evidence_does_not_change_the_decision(starter: Bundle) -> None:
    features = sample_features()
    without_evidence = starter.predict(features, evidence=False)
    assert outcomes(without_evidence) == outcomes(starter.predict(features))
    assert not any(view.evidence for one in without_evidence for view in one.channels)


def test_evidence_of_a_channel_is_for_its_own_segment() -> None:
    """This holds even if the priors lead to a segment that no channel predicts."""
    parts = small_parts()
    shares = np.full(len(NUMBERS), 1 / len(NUMBERS))
    priors = dict.fromkeys(NUMBERS, 1e-9) | {16: 1.0}
    bundle = Bundle(replace(parts, shares=shares), priors=priors)
    [prediction] = bundle.predict([SpotFeatures(speech="сыр и молоко", screen=SHOP_SCREEN)])
    assert prediction.segment == 16
    for view in prediction.channels:
        own_segment = max(view.probabilities, key=lambda number: view.probabilities[number])
        text = {"speech": "сыр и молоко", "screen": SHOP_SCREEN}[view.name]
        words = parts.text.explain(text, own_segment)
        assert own_segment != 16
        assert view.evidence
        assert set(view.evidence) <= {*words, *terms.evidence(SHOP_SCREEN, own_segment)}


def test_pictures_have_neighbours_as_evidence(tmp_path: Path) -> None:
    vectors = np.array([[1, 0, 0], [0.8, 0.6, 0], [0, 0, 1]], np.float32)
    pictures = NearestNeighbours("tiny", vectors, np.array([12, 16, 0]), ("ad-1", "ad-2", "ad-3"))
    replace(small_parts(), pictures=pictures).save(tmp_path / "seeing", {}, "card")
    bundle = Bundle.load(tmp_path / "seeing")
    assert (bundle.encoder, bundle.facts["channels"]) == ("tiny", ["speech", "screen", "pictures"])
    with_vector, without_vector = bundle.predict(
        [SpotFeatures(vectors={"tiny": vectors[0]}), SpotFeatures(vectors={"another": vectors[0]})]
    )
    [view] = with_vector.channels
    assert view.name == "pictures"
    assert [one.id for one in view.neighbours][:2] == ["ad-1", "ad-2"]
    assert (with_vector.segment, with_vector.decision) == (12, "review")
    assert without_vector == Prediction({})
    assert Bundle(small_parts()).encoder == ""


# The folder


def test_saved_bundle_is_read_back(tmp_path: Path) -> None:
    parts = small_parts()
    artefact = parts.save(tmp_path / "model", {"rows": 60}, "# Card")
    again = Bundle.load(tmp_path / "model")
    features = [SpotFeatures(speech=row.text, screen=CARD_SCREEN) for row in rows(9, seed=7)]
    for one, other in zip(again.predict(features), Bundle(parts).predict(features), strict=True):
        # Held-out probabilities, from which thresholds are chosen, are rounded in the folder.
        assert one.threshold == pytest.approx(other.threshold, abs=0.001)
        assert replace(one, threshold=None) == replace(other, threshold=None)
    assert again.artefact is not None
    assert again.artefact.digest == artefact.digest
    assert (again.facts["rows"], again.facts["fusion"]["method"]) == (60, "pool")
    assert (tmp_path / "model" / CARD).read_text(encoding="utf-8") == "# Card"
    assert again.threshold(SPEECH) == pytest.approx(Bundle(parts).threshold(SPEECH), abs=1e-3)
    assert again.parts.training_fingerprints.tolist() == sorted(
        set(parts.training_fingerprints.tolist())
    )
    assert Bundle(parts).facts == {}


def test_fusion_settings_are_read_back(tmp_path: Path) -> None:
    parts = small_parts()
    other = replace(parts.fusion, together=0.5, clash=0.75, sharpness={"pictures": 0.5})
    replace(parts, fusion=other).save(tmp_path / "model", {}, "card")
    assert Bundle.load(tmp_path / "model").parts.fusion == other


def test_starter_is_small_and_has_only_numeric_arrays(starter: Bundle) -> None:
    assert starter.artefact is not None
    assert starter.artefact.size < 30_000_000
    assert set(starter.artefact.files) == {
        CARD, "held_out.npz", "text/manifest.json", "text/weights.npz",
    }  # fmt: skip
    for array in starter.artefact.arrays("held_out.npz").values():
        assert array.dtype.kind in "iuf"


def test_starter_manifest_states_source_and_figures(starter: Bundle) -> None:
    facts = starter.facts
    assert facts["training"]["source"]["licence"] == "Apache-2.0"
    assert facts["channels"] == ["speech", "screen"]
    assert facts["fusion"]["method"] == "pool"
    assert facts["metrics"]["macro_f1_grouped"] >= 0.79
    assert facts["metrics"]["macro_f1_valid"] >= 0.81
    confusion = np.array(facts["evaluation"]["confusion"])
    assert confusion.sum() == facts["training"]["rows"] == 1691
    assert set(facts["evaluation"]["segments"]) == {str(number) for number in NUMBERS}
    assert sum(count for _, _, count in facts["evaluation"]["curve"]) == 1691 - int(
        confusion[:, -1].sum()
    )
    card = (STARTER / CARD).read_text(encoding="utf-8")
    assert f"{facts['metrics']['macro_f1_valid']:.3f}" in card
    assert facts["lexicon"] == lexicon_digest()
    assert facts["training"]["source"]["repository"] in card


class OtherText:
    """A text model that gives no evidence, like a fine-tuned encoder."""

    numbers = (0, 12, 16)

    def predict(self, texts: Sequence[str]) -> list[TextPrediction]:
        return [TextPrediction({0: 0.9, 12: 0.05, 16: 0.05}) for _ in texts]

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        return np.tile([0.9, 0.05, 0.05], (len(texts), 1))


class OtherPictures:
    """A picture classifier that knows no similar creatives, like CatBoost."""

    method, encoder, dimension, numbers = "other", "tiny", 2, (0, 12)

    def predict_proba(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.full((len(features), 2), 0.5)


def test_models_without_evidence_leave_the_terms_on_the_screen() -> None:
    parts = replace(small_parts(), text=OtherText(), pictures=OtherPictures())
    vectors = {"tiny": np.zeros(2, np.float32)}
    spot = SpotFeatures(speech="сыр и молоко", screen=SHOP_SCREEN, vectors=vectors)
    [prediction] = Bundle(parts).predict([spot])
    views = {view.name: view for view in prediction.channels}
    assert views["speech"].evidence == views["pictures"].evidence == ()
    assert views["pictures"].neighbours == ()
    named = terms.evidence(SHOP_SCREEN, 0)
    assert views["screen"].evidence == named != ()


def test_predictions_of_a_merged_segment_count_as_its_target(starter: Bundle) -> None:
    spots = [SpotFeatures(speech=CARD_SPOT), SpotFeatures(speech=SPEAKER_SPOT)]
    assert [one.segment for one in starter.predict(spots)] == [12, 16]
    assert starter.evaluate(spots, [10, 16]).accuracy == 0.5
    merged = starter.evaluate(spots, [10, 16], merged={12: 10})
    assert merged.accuracy == 1.0
    assert {one.number for one in merged.segments} == {10, 16}
    # The target may be a segment that the bundle does not predict.
    assert starter.evaluate(spots, [19, 16], merged={12: 19}).accuracy == 1.0

"""The text model of the starter: predictions, priors, evidence, and refusals."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from classifier.artefact import MANIFEST, ArtefactError
from classifier.segments import NUMBERS
from classifier.text.features import count_grams, inverse_document_frequency, locate_grams, tf_idf
from classifier.text.linear_model import STARTER_TEXT, Calibration, TextModel, TextPrediction

CARD_SPOT = "Кредитная карта: сто двадцать дней без процентов, бесплатное обслуживание навсегда."
SPEAKER_SPOT = "Алиса, включи свет! Умная колонка Яндекс Станция с голосовым помощником."


@pytest.fixture(scope="module")
def model() -> TextModel:
    return TextModel.load()


@pytest.mark.parametrize(
    ("text", "segment"),
    [
        (CARD_SPOT, 12),
        (SPEAKER_SPOT, 16),
        ("Вклад под высокий процент: откройте вклад онлайн и получайте доход.", 13),
        ("Откройте расчётный счёт для бизнеса, первые месяцы бесплатно для предпринимателей.", 11),
        ("Кредит наличными по сниженной ставке, решение за минуту. Оформите кредит онлайн.", 8),
    ],
)
def test_clear_texts_are_predicted(model: TextModel, text: str, segment: int) -> None:
    assert model.predict([text])[0].segment == segment


def test_probabilities_cover_all_segments(model: TextModel) -> None:
    for prediction in model.predict([CARD_SPOT, "", "!?", "\ud800 ҂"]):
        assert set(prediction.probabilities) == set(NUMBERS)
        assert sum(prediction.probabilities.values()) == pytest.approx(1)
        assert all(type(number) is int for number in prediction.probabilities)


def test_predictions_do_not_depend_on_the_batch(model: TextModel) -> None:
    texts = [f"{CARD_SPOT} Звонок {n}" if n % 3 else f"{SPEAKER_SPOT} {n}" for n in range(600)]
    texts[256] = ""
    predictions = model.predict(texts)
    for place in (0, 1, 255, 256, 257, 599):
        predicted_alone = model.predict([texts[place]])[0].probabilities
        assert predictions[place].probabilities == pytest.approx(predicted_alone)


NATURAL = dict.fromkeys(NUMBERS, 1.0) | {0: 17.0}


def test_priors_change_odds_by_bayes_rule(model: TextModel) -> None:
    text = "Только сегодня"
    [plain], [with_priors] = model.predict([text]), model.predict([text], NATURAL)
    assert sum(with_priors.probabilities.values()) == pytest.approx(1)
    assert with_priors.probabilities[0] > plain.probabilities[0]
    odds = [one.probabilities[0] / one.probabilities[12] for one in (plain, with_priors)]
    shares = dict(zip(NUMBERS, model.parameters.shares, strict=True))
    assert odds[1] / odds[0] == pytest.approx(17 / shares[0] * shares[12])
    own = dict(zip(NUMBERS, model.parameters.shares, strict=True))
    assert model.predict([text], own)[0].probabilities == pytest.approx(plain.probabilities)


@pytest.mark.parametrize(
    ("priors", "message"),
    [
        ({0: 1.0}, "no prior for segment 1, 2"),
        (dict.fromkeys(NUMBERS, 0.0), "positive"),
        (dict.fromkeys(NUMBERS, 1.0) | {3: -1.0}, "negative"),
        (dict.fromkeys(NUMBERS, 1.0) | {3: float("nan")}, "finite"),
    ],
)
def test_invalid_priors_are_refused(
    model: TextModel, priors: dict[int, float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        model.predict([CARD_SPOT], priors)


def test_text_without_features_is_predicted_like_a_silent_creative(model: TextModel) -> None:
    [nothing, something] = model.predict(["", "Только сегодня"])
    assert nothing.segment == 15
    assert nothing.probability < 0.2
    assert something.probabilities != nothing.probabilities


def test_no_texts_give_no_predictions(model: TextModel) -> None:
    assert model.predict([]) == []


def test_candidates_are_sorted_by_probability() -> None:
    prediction = TextPrediction({5: 0.2, 3: 0.5, 1: 0.2, 8: 0.1})
    assert (prediction.segment, prediction.probability) == (3, 0.5)
    assert prediction.candidates(3) == ((3, 0.5), (1, 0.2), (5, 0.2))


def test_calibration_keeps_the_order_of_margins() -> None:
    calibration = Calibration(slope=10.0, shift=3.0)
    clear, doubtful = calibration.probabilities(np.array([[0.9, -1.0, -1.2], [-0.4, -0.5, -0.9]]))
    assert clear.argmax() == doubtful.argmax() == 0
    assert clear[0] > 0.9 > doubtful[0] > doubtful[1] > doubtful[2]
    assert calibration.probabilities(np.array([[-500.0, -501.0]])).sum() == pytest.approx(1)
    shares = np.array([0.7, 0.2, 0.1])
    assert calibration.probabilities(calibration.margins(shares)) == pytest.approx(shares)


def test_evidence_is_a_slice_of_the_given_text(model: TextModel) -> None:
    text = f"  Ну что,\tЁлка? {CARD_SPOT}  "
    evidence = model.explain(text, 12)
    assert 1 <= len(evidence) <= 6
    for one in evidence:
        assert text[one.start : one.end] == one.text
        assert one.text.strip() == one.text
        assert one.weight > 0
    assert [one.weight for one in evidence] == sorted((e.weight for e in evidence), reverse=True)
    assert any("без процентов" in one.text for one in evidence[:2])
    assert not any("Ёлка" in one.text for one in evidence)


def test_removing_the_evidence_lowers_the_probability(model: TextModel) -> None:
    for text, segment in ((CARD_SPOT, 12), (SPEAKER_SPOT, 16)):
        rest = text
        for one in model.explain(text, segment):
            rest = rest.replace(one.text, " ")
        before, after = (
            one.probabilities[segment] / (1 - one.probabilities[segment])
            for one in model.predict([text, rest])
        )
        assert after < before / 10


def test_evidence_depends_on_the_segment(model: TextModel) -> None:
    both = f"{CARD_SPOT} {SPEAKER_SPOT}"
    border = len(CARD_SPOT)
    assert model.explain(both, 12)[0].end <= border
    assert model.explain(both, 16)[0].start >= border


def test_evidence_sums_to_the_margin(model: TextModel) -> None:
    """The sum covers all features inside words, not those of the shape of the text."""
    column = list(NUMBERS).index(12)
    text = "Кредитная карта"
    others = model.probabilities([text])[0]
    others[column] = 0
    others /= others.sum()
    counts = count_grams([text])
    values = tf_idf(
        counts,
        inverse_document_frequency(model.parameters.frequencies, model.parameters.texts),
    )
    grams = locate_grams(text)
    of_shape = np.isin(counts.bucket, grams.bucket[grams.start == grams.end])
    weights = model.parameters.weights[counts.bucket] * model.parameters.scales
    exact = (values[:, None] * weights)[~of_shape].sum(axis=0)
    total = sum(one.weight for one in model.explain(text, 12))
    assert total == pytest.approx(exact[column] - exact @ others, rel=1e-4)


def test_blank_text_has_no_evidence_and_unknown_segment_is_refused(model: TextModel) -> None:
    assert model.explain("", 12) == ()
    assert model.explain(" \n", 12) == ()
    with pytest.raises(ValueError, match="no segment 6"):
        model.explain(CARD_SPOT, 6)


def test_model_folder_is_small_and_has_only_numeric_arrays(model: TextModel) -> None:
    assert model.artefact is not None
    assert model.artefact.size < 15_000_000
    assert {path.name for path in STARTER_TEXT.iterdir()} == {MANIFEST, "weights.npz"}
    for array in model.artefact.arrays("weights.npz").values():
        assert array.dtype.kind in "iuf"
    assert model.parameters.weights.dtype == np.int8
    assert tuple(model.parameters.numbers) == NUMBERS


def test_other_hashing_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(STARTER_TEXT, folder)
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    manifest["facts"]["hashing"] = "murmur"
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ArtefactError, match="not hashed by"):
        TextModel.load(folder)


def test_changed_weights_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(STARTER_TEXT, folder)
    with (folder / "weights.npz").open("r+b") as file:
        file.seek(5000)
        file.write(b"\x00\x01\x02")
    with pytest.raises(ArtefactError, match="sha256"):
        TextModel.load(folder)


def test_prediction_loads_no_heavy_library() -> None:
    script = (
        "import sys; from classifier.text.linear_model import TextModel; m = TextModel.load();"
        "m.predict(['карта']); m.explain('карта банка', 10);"
        "print(sorted({'sklearn', 'scipy', 'torch', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"

"""Training of the starter bundle, on generated and on real transcripts."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import numpy as np
import pytest

from classifier.channels import CHANNELS, SPEECH
from classifier.decision.bundle import Bundle
from classifier.decision.types import SpotFeatures
from classifier.learning.starter import train_starter
from classifier.speech.cleaning import assess_speech
from classifier.text.families import fingerprints
from classifier.text.training import (
    best_calibration,
    fit,
    grouped_scores,
    margins_of,
    measure_valid,
    prepare,
)
from tests.bundles import COMMON, WORDS
from tests.classifier.transcript_rows import COLUMNS, read_rows


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def write_table(path: Path, rows: list[tuple[object, ...]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of ninety spots of three segments, three of them silent; every fifth is ``valid``."""
    dice = random.Random(5)
    rows: list[tuple[object, ...]] = []
    for number in range(90):
        segment = (0, 12, 16)[number % 3]
        words = dice.choices(WORDS[segment].split(), k=4) + dice.choices(COMMON.split(), k=9)
        dice.shuffle(words)
        text = "СПОКОЙНАЯ МУЗЫКА" if number % 30 == 7 else " ".join(words)
        rows.append((number, segment or 6, text, "valid" if number % 5 == 0 else "train"))
    return write_table(tmp_path_factory.mktemp("table") / "transcripts.csv", rows)


def test_training_writes_a_bundle_that_predicts(table: Path, tmp_path: Path) -> None:
    messages: list[str] = []
    report = train_starter(read_rows(table), tmp_path / "model", messages.append)
    assert (report.rows, report.silent) == (90, 3)
    assert report.macro_f1_valid_spoken > 0.9
    assert report.macro_f1_grouped_spoken > 0.9
    assert report.macro_f1_grouped < report.macro_f1_grouped_spoken
    assert report.size == sum(path.stat().st_size for path in files_in(tmp_path / "model"))
    assert any("macro-F1 on valid" in line for line in messages)
    bundle = Bundle.load(tmp_path / "model")
    spoken = ["кредитная карта, льготный период", "скидка: сыр и молоко"]
    predicted = bundle.predict([SpotFeatures(speech=text) for text in spoken])
    assert [one.segment for one in predicted] == [12, 0]
    assert bundle.facts["metrics"]["macro_f1_valid"] == round(report.macro_f1_valid, 6)
    assert bundle.facts["evaluation"]["rows"] == 90
    assert bundle.facts["evaluation"]["undecided"] == 3


def test_bundle_has_held_out_predictions_shares_and_fingerprints(
    table: Path, tmp_path: Path
) -> None:
    """Held-out predictions are those of rows with speech."""
    train_starter(read_rows(table), tmp_path / "model")
    parts = Bundle.load(tmp_path / "model").parts
    rows = read_rows(table)
    ready = prepare(rows)
    held_out = parts.held_out
    assert parts.numbers == tuple(ready.numbers)
    assert held_out.probabilities.shape == (87, len(parts.numbers))
    true_segments = [parts.numbers[place] for place in held_out.columns]
    assert true_segments == ready.segments[ready.spoken].tolist()
    assert (held_out.masks == 1 << CHANNELS.index(SPEECH)).all()
    assert held_out.probabilities.astype(float).sum(axis=1) == pytest.approx(1, abs=0.01)
    out_of_fold = grouped_scores(ready).margins[ready.spoken]
    assert (held_out.probabilities.argmax(axis=1) == out_of_fold.argmax(axis=1)).all()
    assert parts.shares[parts.shares > 0] == pytest.approx(
        np.unique(ready.segments[ready.spoken], return_counts=True)[1] / 87
    )
    # Fingerprints of transcripts before and after cleaning.
    texts = [text for row in rows for text in (row.text, assess_speech(row.text).text)]
    assert set(parts.training_fingerprints.tolist()) == set(fingerprints(texts).tolist())


def test_two_runs_give_the_same_bytes(table: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        train_starter(read_rows(table), tmp_path / name)
    one, two = (
        {path.relative_to(folder): path.read_bytes() for path in files_in(folder)}
        for folder in (tmp_path / "one", tmp_path / "two")
    )
    assert {path.as_posix() for path in one} == {
        "manifest.json", "MODEL_CARD.md", "held_out.npz", "text/manifest.json", "text/weights.npz",
    }  # fmt: skip
    assert one == two


def test_model_folder_contains_no_words_of_the_data(table: Path, tmp_path: Path) -> None:
    train_starter(read_rows(table), tmp_path / "model")
    for path in files_in(tmp_path / "model"):
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                assert {arrays[name].dtype.kind for name in arrays} <= set("iufb")
        else:
            raw = path.read_bytes()
            assert not any(word.encode() in raw for word in ("гречка", "грейс", "будильник"))


def test_valid_rows_are_not_trained_on(table: Path) -> None:
    ready = prepare(read_rows(table))
    parameters = fit(ready, ~ready.valid)
    assert parameters.texts == int((~ready.valid & ready.spoken).sum())
    training_row = np.flatnonzero(~ready.valid)[:1]
    assert ready.valid.sum() == 18
    of_valid_rows = np.isin(ready.counts.text, np.flatnonzero(ready.valid))
    only_valid = np.setdiff1d(
        ready.counts.bucket[of_valid_rows], ready.counts.bucket[~of_valid_rows]
    )
    assert (parameters.frequencies[only_valid] == 0).all()
    assert (parameters.weights[only_valid] == 0).all()
    assert margins_of(ready, parameters, training_row).shape == (1, 3)


def test_folds_keep_families_together(tmp_path: Path) -> None:
    dice = random.Random(2)
    rows: list[tuple[object, ...]] = []
    for number in range(45):
        text = " ".join("".join(dice.choices("абвгдежзиклмнопрст", k=7)) for _ in range(8))
        for copy in ("раз", "два"):
            rows.append((len(rows), (0, 12, 16)[number % 3], f"{text} {copy}", "train"))
    ready = prepare(read_rows(write_table(tmp_path / "t.csv", rows)))
    assert ready.families.max() + 1 == 45
    scores = grouped_scores(ready)
    assert len(np.unique(scores.fold)) == 5
    for family in np.unique(ready.families):
        assert len(np.unique(scores.fold[ready.families == family])) == 1


def test_calibration_parameters_are_recovered() -> None:
    generator = np.random.default_rng(1)
    scores = generator.normal(-0.6, 0.5, (6000, 6))
    sigmoids = 1 / (1 + np.exp(-(scores * 7.0 + 2.0)))
    shares = sigmoids / sigmoids.sum(axis=1, keepdims=True)
    column = (shares.cumsum(axis=1) > generator.random((6000, 1))).argmax(axis=1)
    found = best_calibration(scores, column)
    assert found.slope == pytest.approx(7.0, rel=0.1)
    assert found.probabilities(scores).max() == pytest.approx(shares.max(), abs=0.05)


@pytest.mark.reference
def test_figures_of_the_reference_transcripts(reference_data: Path) -> None:
    ready = prepare(read_rows(reference_data / "transcripts_dev.csv"))
    assert measure_valid(ready)["macro_f1_valid"] >= 0.81
    committed = Bundle.load().facts
    assert committed["training"]["sha256"] == ready.digest
    assert committed["training"]["rows"] == 1691


@pytest.mark.reference
def test_int8_weights_are_as_good_as_exact_ones(reference_data: Path) -> None:
    from scipy.sparse import csr_array
    from sklearn.svm import LinearSVC

    from classifier.text.features import BUCKETS, inverse_document_frequency, tf_idf

    ready = prepare(read_rows(reference_data / "transcripts_dev.csv")[:500])
    chosen = np.ones(500, np.bool_)
    parameters = fit(ready, chosen)
    spoken = np.flatnonzero(ready.spoken)
    counts = ready.counts
    idf = inverse_document_frequency(parameters.frequencies, parameters.texts)
    place = counts.text.astype(np.int32), counts.bucket.astype(np.int32)
    matrix = csr_array((tf_idf(counts, idf), place), shape=(500, BUCKETS))
    exact = LinearSVC(C=0.3, class_weight="balanced", random_state=0)
    exact.fit(matrix[spoken], ready.segments[spoken])
    exact_margins, int8_margins = (
        exact.decision_function(matrix),
        margins_of(ready, parameters, np.arange(500)),
    )
    assert np.abs(exact_margins - int8_margins)[spoken].mean() < 0.005
    assert (exact_margins.argmax(axis=1) == int8_margins.argmax(axis=1))[spoken].mean() > 0.995

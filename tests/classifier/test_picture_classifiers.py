"""CatBoost and nearest neighbours on generated vectors with known segments."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from classifier.artefact import MANIFEST, ArtefactError, write_artefact
from classifier.pictures.classifier_folder import KIND, VERSION
from classifier.pictures.classifiers import load_picture_classifier, train_picture_classifier
from classifier.pictures.nearest_neighbours import NearestNeighbours
from classifier.pictures.types import METHODS, Features, PictureClassifier

KNOWN = (0, 5, 7, 18)
DIMENSION = 16
ENCODER = "tiny-xclip"


def generated(count: int, seed: int) -> tuple[Features, list[int]]:
    """Return vectors around one direction for each known segment, 70 % of them of segment 0."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(len(KNOWN), DIMENSION))
    clusters = random.choice(len(KNOWN), count, p=(0.7, 0.1, 0.1, 0.1))
    vectors = centres[clusters] + 0.7 * random.normal(size=(count, DIMENSION))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit.astype(np.float32), [KNOWN[cluster] for cluster in clusters]


def names(count: int) -> list[str]:
    return [f"ad-{number}" for number in range(count)]


@pytest.fixture(scope="module")
def trained() -> dict[str, PictureClassifier]:
    features, segments = generated(200, seed=1)
    return {
        method: train_picture_classifier(method, features, segments, names(200), encoder=ENCODER)
        for method in METHODS
    }


@pytest.mark.parametrize("method", METHODS)
def test_segments_of_new_vectors_are_found(
    trained: dict[str, PictureClassifier], method: str
) -> None:
    features, segments = generated(200, seed=2)
    probabilities = trained[method].predict_proba(features)
    assert trained[method].numbers == tuple(KNOWN)
    assert probabilities.shape == (200, len(KNOWN))
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert (probabilities > 0).all()
    found = np.array(KNOWN)[probabilities.argmax(axis=1)]
    for segment in KNOWN:
        assert np.mean(found[np.array(segments) == segment] == segment) > 0.7


@pytest.mark.parametrize("method", METHODS)
def test_the_same_rows_give_the_same_classifier(
    trained: dict[str, PictureClassifier], method: str
) -> None:
    features, segments = generated(200, seed=1)
    again = train_picture_classifier(method, features, segments, names(200), encoder=ENCODER)
    queries = generated(20, seed=3)[0]
    assert np.array_equal(again.predict_proba(queries), trained[method].predict_proba(queries))


def test_catboost_weighs_rare_and_common_segments_alike() -> None:
    """The vectors are random, and nine in ten have segment 5: its probability is well below 0.9."""
    features = np.random.default_rng(0).normal(size=(400, 4)).astype(np.float32)
    model = train_picture_classifier(
        "catboost", features[:300], [0, *[5] * 9] * 30, names(300), encoder=ENCODER
    )
    common = model.predict_proba(features[300:])[:, model.numbers.index(5)].mean()
    unweighted = 0.9
    assert common < unweighted - 0.1


@pytest.mark.parametrize("method", METHODS)
def test_saved_classifier_gives_the_same_probabilities(
    trained: dict[str, PictureClassifier], method: str, tmp_path: Path
) -> None:
    artefact = trained[method].save(tmp_path / "pictures", {"rows": 200})
    again = load_picture_classifier(tmp_path / "pictures")
    queries = generated(20, seed=3)[0]
    assert np.array_equal(again.predict_proba(queries), trained[method].predict_proba(queries))
    assert (again.method, again.encoder, again.dimension) == (method, ENCODER, DIMENSION)
    assert artefact.facts["rows"] == 200
    assert not [name for name in artefact.files if name.endswith((".pkl", ".pickle", ".joblib"))]


@pytest.mark.parametrize("method", METHODS)
def test_folder_with_a_flipped_byte_is_refused(
    trained: dict[str, PictureClassifier], method: str, tmp_path: Path
) -> None:
    (name,) = trained[method].save(tmp_path / "pictures", {}).files
    raw = bytearray((tmp_path / "pictures" / name).read_bytes())
    raw[len(raw) // 2] ^= 1
    (tmp_path / "pictures" / name).write_bytes(raw)
    with pytest.raises(ArtefactError, match="sha256"):
        load_picture_classifier(tmp_path / "pictures")


@pytest.mark.parametrize(("method", "name"), [("catboost", "model.cbm"), ("nearest", "index.npz")])
def test_a_pickled_model_is_refused(method: str, name: str, tmp_path: Path) -> None:
    """The digest is right, but the content is a pickle, which must not be loaded."""
    import pickle

    def write(folder: Path) -> None:
        (folder / name).write_bytes(pickle.dumps({"a": print}))

    facts = {"method": method, "encoder": ENCODER, "dimension": DIMENSION}
    write_artefact(tmp_path / "pictures", KIND, VERSION, write, facts)
    with pytest.raises(ArtefactError, match=rf"{name} (cannot be used|holds no plain arrays)"):
        load_picture_classifier(tmp_path / "pictures")


def test_an_older_format_and_an_unknown_method_are_refused(
    trained: dict[str, PictureClassifier], tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    trained["nearest"].save(folder, {})
    shutil.copytree(folder, tmp_path / "old")
    text = (folder / MANIFEST).read_text(encoding="utf-8")
    older = text.replace(f'"version": {VERSION}', f'"version": {VERSION - 1}')
    (tmp_path / "old" / MANIFEST).write_text(older, encoding="utf-8")
    with pytest.raises(ArtefactError, match=f"in format {VERSION - 1}"):
        load_picture_classifier(tmp_path / "old")
    (folder / MANIFEST).write_text(text.replace('"nearest"', '"guess"'), encoding="utf-8")
    with pytest.raises(ArtefactError, match="no known method"):
        load_picture_classifier(folder)


def test_neighbours_are_the_nearest_labelled_creatives(tmp_path: Path) -> None:
    features = np.array([[1, 0, 0], [0.8, 0.6, 0], [0, 0, 2]], np.float32)
    train_picture_classifier(
        "nearest", features, [1, 2, 3], ["a", "б-2", "c"], encoder=ENCODER
    ).save(tmp_path / "pictures", {})
    model = load_picture_classifier(tmp_path / "pictures")
    assert isinstance(model, NearestNeighbours)
    first, second = model.neighbours(np.array([[2, 0, 0], [0, 0, 1]], np.float32), 2)
    assert [(one.id, one.segment) for one in first] == [("a", 1), ("б-2", 2)]
    assert [one.similarity for one in first] == pytest.approx([1, 0.8])
    assert (second[0].id, second[0].similarity) == ("c", pytest.approx(1))
    assert len(model.neighbours(features, 10)[0]) == 3


def test_a_nearer_neighbour_counts_more_and_opposites_do_not_vote() -> None:
    features = np.array([[1, 0], [0.6, 0.8], [-1, 0]], np.float32)
    model = train_picture_classifier("nearest", features, [1, 2, 3], names(3), encoder=ENCODER)
    one, two, three = model.predict_proba(np.array([[1, 0]], np.float32))[0]
    assert one > 0.9 > two
    assert two == pytest.approx(three, abs=0.001)
    without_votes = train_picture_classifier(
        "nearest", -features[:1], [4], names(1), encoder=ENCODER
    ).predict_proba(features[:1])
    assert without_votes.tolist() == [[pytest.approx(1)]]


@pytest.mark.parametrize("method", METHODS)
def test_empty_and_invalid_vectors(trained: dict[str, PictureClassifier], method: str) -> None:
    model = trained[method]
    assert model.predict_proba(np.zeros((0, DIMENSION), np.float32)).shape == (0, len(KNOWN))
    with pytest.raises(ValueError, match="expected vectors"):
        model.predict_proba(np.zeros((2, DIMENSION + 1), np.float32))
    with pytest.raises(ValueError, match="no numbers"):
        model.predict_proba(np.full((2, DIMENSION), np.nan, np.float32))


@pytest.mark.parametrize(
    ("method", "segments", "message"),
    [
        ("catboost", [1, 1], "at least two segments"),
        ("catboost", [1, 2], "cannot learn"),
        ("nearest", [1], "2 vectors, 1 segments"),
        ("forest", [1, 2], "unknown method"),
    ],
)
def test_invalid_training_data_is_refused(method: str, segments: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        train_picture_classifier(
            method, np.ones((2, 4), np.float32), segments, names(2), encoder=ENCODER
        )

"""Damaged, forged and foreign files of a bundle are refused, and no code in them is executed."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier.artefact import MANIFEST, ArtefactError
from classifier.decision.bundle import Bundle
from classifier.decision.bundle_parts import CARD, STARTER
from classifier.decision.fusion import Opinions
from classifier.decision.stacking import train
from classifier.decision.types import SpotFeatures
from classifier.pictures.nearest_neighbours import NearestNeighbours
from tests.bundles import rows, small_parts

ARRAYS = ("held_out.npz", "text/weights.npz", "pictures/index.npz")
FILES = (CARD, *ARRAYS, "stack/model.cbm", *(f"{part}/{MANIFEST}" for part in
         ("text", "pictures", "stack")))  # fmt: skip
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a bundle with all parts: text, pictures, stack."""
    folder = tmp_path_factory.mktemp("models") / "whole"
    parts = small_parts()
    features = [SpotFeatures(speech=row.text) for row in rows()]
    columns = parts.held_out.columns
    stack = train(
        Opinions(parts.numbers, {"speech": parts.held_out.probabilities.astype(np.float64)}),
        features,
        columns,
    )
    vectors = np.eye(3, dtype=np.float32)
    pictures = NearestNeighbours("tiny", vectors, np.array([0, 12, 16]), ("ad-1", "ad-2", "ad-3"))
    replace(parts, pictures=pictures, stack=stack).save(folder, {"rows": 60}, "card")
    return folder


@pytest.fixture
def model(whole: Path, tmp_path: Path) -> Path:
    """A copy of the bundle for the test to damage."""
    return Path(shutil.copytree(whole, tmp_path / "model"))


def edit_manifest(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    manifest = json.loads(path.read_text(encoding="utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")


def recompute_digests(model: Path) -> None:
    """Rewrite the digests of all files in all manifests, nested ones first, like a forger."""
    for path in sorted(model.rglob(MANIFEST), key=lambda path: -len(path.parts)):
        files = [one for one in path.parent.rglob("*") if one.is_file() and one != path]
        digests = {
            one.relative_to(path.parent).as_posix(): hashlib.sha256(one.read_bytes()).hexdigest()
            for one in files
        }
        manifest = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**manifest, "files": digests}), encoding="utf-8")


class Trap:
    """An object whose pickle creates a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def plain_pickle(trap: Trap) -> bytes:
    return pickle.dumps(trap)


def pickled_array(trap: Trap) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, weights=np.array([trap], object), probabilities=np.array([trap], object))
    return buffer.getvalue()


def pickle_in_an_archive(trap: Trap) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("weights.npy", "probabilities.npy", "data.pkl"):
            archive.writestr(name, pickle.dumps(trap))
    return buffer.getvalue()


def test_undamaged_bundle_is_loaded(whole: Path) -> None:
    bundle = Bundle.load(whole)
    assert bundle.artefact is not None
    assert set(bundle.artefact.files) == set(FILES)
    assert bundle.parts.pictures is not None
    assert bundle.parts.stack is not None
    assert bundle.predict([SpotFeatures(speech="скидка: сыр и молоко")])[0].segment == 0


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_flipped_byte_is_refused(model: Path, name: str, place: float) -> None:
    raw = bytearray((model / name).read_bytes())
    raw[round(place * (len(raw) - 1))] ^= 1
    (model / name).write_bytes(raw)
    with pytest.raises(ArtefactError, match=f"{name} is not the file .*sha256"):
        Bundle.load(model)


def test_changed_manifest_is_refused_or_has_another_digest(model: Path) -> None:
    """Only the digest that predictions refer to protects the outermost manifest."""
    original = Bundle.load(model).artefact
    assert original is not None
    raw = (model / MANIFEST).read_bytes()
    for place in range(0, len(raw), 97):
        (model / MANIFEST).write_bytes(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])
        try:
            changed = Bundle.load(model).artefact
        except ArtefactError:
            continue
        assert changed is not None
        assert changed.digest != original.digest


@pytest.mark.parametrize("part", ["", "text/", "pictures/", "stack/"])
@pytest.mark.parametrize("step", [-1, 1])
def test_other_format_version_is_refused(model: Path, part: str, step: int) -> None:
    edit_manifest(model / part / MANIFEST, lambda one: one.update(version=one["version"] + step))
    recompute_digests(model)
    with pytest.raises(ArtefactError, match=r"in format \d+, not .* in format \d+"):
        Bundle.load(model)


def test_other_kind_of_model_is_refused() -> None:
    with pytest.raises(ArtefactError, match=r"text-model.*, not .*bundle"):
        Bundle.load(STARTER / "text")


@pytest.mark.parametrize("make", [plain_pickle, pickled_array, pickle_in_an_archive])
@pytest.mark.parametrize("name", [*ARRAYS, "stack/model.cbm"])
def test_pickle_instead_of_arrays_is_refused_and_not_executed(
    model: Path, tmp_path: Path, name: str, make: Callable[[Trap], bytes]
) -> None:
    created = tmp_path / "created"
    (model / name).write_bytes(make(Trap(created)))
    recompute_digests(model)
    with pytest.raises(ArtefactError):
        Bundle.load(model)
    assert not created.exists()


@pytest.mark.parametrize("name", ["model.pkl", "sub/model.joblib", "classifier.py"])
def test_foreign_file_is_refused_and_not_executed(model: Path, tmp_path: Path, name: str) -> None:
    created = tmp_path / "created"
    (model / name).parent.mkdir(exist_ok=True)
    (model / name).write_bytes(plain_pickle(Trap(created)))
    recompute_digests(model)
    with pytest.raises(ArtefactError, match=f"{name} is no part of a bundle"):
        Bundle.load(model)
    assert not created.exists()


def test_pickle_instead_of_a_folder_is_refused_and_not_executed(tmp_path: Path) -> None:
    created = tmp_path / "created"
    (tmp_path / "model.pkl").write_bytes(plain_pickle(Trap(created)))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / MANIFEST).write_bytes(plain_pickle(Trap(created)))
    for path in (tmp_path / "model.pkl", tmp_path / "nothing", tmp_path / "folder"):
        with pytest.raises(ArtefactError, match=r"manifest\.json"):
            Bundle.load(path)
    assert not created.exists()


def test_trap_is_executed_by_pickle(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Trap(tmp_path / "created")))  # noqa: S301
    assert (tmp_path / "created").exists()


@pytest.mark.parametrize("name", FILES)
def test_missing_file_is_refused(model: Path, name: str) -> None:
    (model / name).unlink()
    with pytest.raises(ArtefactError, match=f"{name} is missing"):
        Bundle.load(model)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["held_out.npz"], r"names no file 'held_out\.npz'"),
        (["text"], r"names no file 'text/manifest\.json'"),
        (["pictures"], r"names no file 'pictures/manifest\.json'"),
        (["stack"], r"names no file 'stack/manifest\.json'"),
        (["text/weights.npz"], r"no file 'weights\.npz'"),
        (["pictures/index.npz"], r"no file 'index\.npz'"),
        (["stack/model.cbm"], r"no file 'model\.cbm'"),
    ],
)
def test_missing_part_is_refused(model: Path, names: list[str], message: str) -> None:
    for name in names:
        path = model / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    recompute_digests(model)
    with pytest.raises(ArtefactError, match=message):
        Bundle.load(model)


@pytest.mark.parametrize("part", ["text", "pictures", "stack"])
@pytest.mark.parametrize("unlisted", ["everything", "its manifest"])
def test_part_missing_from_the_manifest_is_refused(model: Path, part: str, unlisted: str) -> None:
    """A part that the outer manifest does not list is refused, even with a valid manifest."""

    def unlist(manifest: dict[str, Any]) -> None:
        for name in list(manifest["files"]):
            if name.startswith(f"{part}/") and unlisted == "everything":
                del manifest["files"][name]
        manifest["files"].pop(f"{part}/{MANIFEST}", None)

    edit_manifest(model / MANIFEST, unlist)
    with pytest.raises(ArtefactError, match=rf"names no file '{part}/manifest\.json'"):
        Bundle.load(model)


@pytest.mark.parametrize("missing", ["fusion", "held out", "a weight"])
def test_incomplete_facts_and_arrays_are_refused(model: Path, missing: str) -> None:
    if missing == "fusion":
        edit_manifest(model / MANIFEST, lambda one: one["facts"].pop("fusion"))
    else:
        path = model / (ARRAYS[0] if missing == "held out" else ARRAYS[1])
        with np.load(path) as file:
            remaining = {name: file[name] for name in file.files if name not in {"masks", "scales"}}
        np.savez(path, **remaining)
        recompute_digests(model)
    with pytest.raises(ArtefactError, match=r"missing|lacks"):
        Bundle.load(model)


@pytest.mark.parametrize("fusion", ["text", 1, None, ["text"]])
def test_other_facts_about_the_fusion_are_refused(model: Path, fusion: Any) -> None:
    edit_manifest(model / MANIFEST, lambda one: one["facts"].update(fusion=fusion))
    with pytest.raises(ArtefactError, match="missing"):
        Bundle.load(model)


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "text/../../secret", "./held_out"])
@pytest.mark.parametrize("part", ["", "text/"])
def test_manifest_with_paths_outside_the_folder_is_refused(
    model: Path, part: str, name: str
) -> None:
    secret = model.parent / "secret"
    secret.write_bytes(b"secret")
    digest = hashlib.sha256(b"secret").hexdigest()
    edit_manifest(model / part / MANIFEST, lambda one: one["files"].update({name: digest}))
    if part:
        nested = hashlib.sha256((model / part / MANIFEST).read_bytes()).hexdigest()
        edit_manifest(
            model / MANIFEST, lambda one: one["files"].update({f"{part}{MANIFEST}": nested})
        )
    with pytest.raises(ArtefactError, match="invalid path"):
        Bundle.load(model)


@pytest.mark.parametrize("name", ["held_out.npz", "text/weights.npz", "text", "stack"])
def test_symbolic_link_is_refused(model: Path, name: str) -> None:
    """The digest matches, but the target of the link may change later."""
    elsewhere = model.parent / "elsewhere"
    (model / name).rename(elsewhere)
    (model / name).symlink_to(elsewhere)
    with pytest.raises(ArtefactError, match="is a link"):
        Bundle.load(model)


def test_symbolic_link_to_the_folder_is_accepted(model: Path) -> None:
    (model.parent / "current").symlink_to(model)
    assert Bundle.load(model.parent / "current").facts["rows"] == 60


KILLED = """
import os, signal, sys
from dataclasses import replace
from pathlib import Path
from classifier import Bundle

class Dying:
    def save(self, folder, facts):
        folder.mkdir()
        (folder / "weights.npz").write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)

replace(Bundle.load().parts, text=Dying()).save(Path(sys.argv[1]), {}, "new")
"""


def test_killed_write_keeps_the_old_bundle_and_leaves_no_partial_one(model: Path) -> None:
    before = Bundle.load(model).artefact
    assert before is not None
    for path in (model, model.parent / "new"):
        done = subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=ROOT, check=False)
        assert done.returncode == -9
    after = Bundle.load(model).artefact
    assert after is not None
    assert after.digest == before.digest
    with pytest.raises(ArtefactError, match="no manifest"):
        Bundle.load(model.parent / "new")
    for leftover in model.parent.glob(".*"):
        with pytest.raises(ArtefactError, match="no manifest"):
            Bundle.load(leftover)


def test_bundle_of_an_older_release_predicts_the_same(whole: Path, tmp_path: Path) -> None:
    """Its channel of pictures is called video, in the manifest and as a folder."""
    old = tmp_path / "old"
    shutil.copytree(whole, old)
    (old / "pictures").rename(old / "video")
    manifest = json.loads((old / "video" / MANIFEST).read_text())
    manifest["kind"] = "creative-filter/video-classifier"
    (old / "video" / MANIFEST).write_text(json.dumps(manifest))
    manifest = json.loads((old / MANIFEST).read_text())
    manifest["files"] = {
        name.replace("pictures/", "video/"): digest for name, digest in manifest["files"].items()
    }
    inner = (old / "video" / MANIFEST).read_bytes()
    manifest["files"][f"video/{MANIFEST}"] = hashlib.sha256(inner).hexdigest()
    facts = manifest["facts"]
    facts["channels"] = ["speech", "screen", "video"]
    facts["fusion"]["sharpness"] = {"screen": 0.6, "video": 0.4}
    (old / MANIFEST).write_text(json.dumps(manifest))

    bundle = Bundle.load(old)
    assert bundle.parts.pictures is not None
    assert bundle.parts.fusion.sharpness == {"screen": 0.6, "pictures": 0.4}
    today = Bundle.load(whole)
    today = Bundle(replace(today.parts, fusion=bundle.parts.fusion))
    features = [SpotFeatures(vectors={"tiny": np.ones(3, np.float32)})]
    [before], [after] = bundle.predict(features), today.predict(features)
    assert before == after
    assert [view.name for view in before.channels] == ["pictures"]

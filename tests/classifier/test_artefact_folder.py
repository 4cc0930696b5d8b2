"""Model folders: whole or refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier.artefact import MANIFEST, Artefact, ArtefactError, read_artefact, write_artefact

KIND = "test/model"


def numbers(value: int) -> Any:
    def write(folder: Path) -> None:
        np.savez(folder / "a.npz", a=np.full(3, value))
        (folder / "CARD.md").write_text("card", encoding="utf-8")

    return write


@pytest.fixture
def model(tmp_path: Path) -> Artefact:
    return write_artefact(tmp_path / "models" / "m", KIND, 1, numbers(7), {"rows": 5})


def test_what_was_written_is_read(model: Artefact) -> None:
    again = read_artefact(model.folder, KIND, 1)
    assert again.arrays("a.npz")["a"].tolist() == [7, 7, 7]
    assert again.facts == {"rows": 5}
    assert set(again.files) == {"a.npz", "CARD.md"}
    assert again.size == sum(path.stat().st_size for path in model.folder.iterdir())
    assert again.digest == model.digest


def test_a_second_writing_replaces_the_first_and_leaves_nothing_beside(model: Artefact) -> None:
    new = write_artefact(model.folder, KIND, 1, numbers(8), {"rows": 6})
    assert new.arrays("a.npz")["a"].tolist() == [8, 8, 8]
    assert new.digest != model.digest
    assert [path.name for path in model.folder.parent.iterdir()] == ["m"]


def test_after_a_failed_writing_the_old_one_stands(model: Artefact) -> None:
    def fail(folder: Path) -> None:
        (folder / "a.npz").write_bytes(b"half")
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        write_artefact(model.folder, KIND, 1, fail, {})
    assert read_artefact(model.folder, KIND, 1).arrays("a.npz")["a"].tolist() == [7, 7, 7]
    assert [path.name for path in model.folder.parent.iterdir()] == ["m"]


def test_one_changed_byte_is_refused(model: Artefact) -> None:
    path = model.folder / "a.npz"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(ArtefactError, match=r"a\.npz is not the file .*sha256"):
        read_artefact(model.folder, KIND, 1)


@pytest.mark.parametrize(("kind", "version"), [(KIND, 2), ("other/model", 1)])
def test_another_format_is_refused(model: Artefact, kind: str, version: int) -> None:
    with pytest.raises(ArtefactError, match="in format 1, not"):
        read_artefact(model.folder, kind, version)


def test_a_missing_file_is_refused(model: Artefact) -> None:
    (model.folder / "a.npz").unlink()
    with pytest.raises(ArtefactError, match=r"a\.npz is missing"):
        read_artefact(model.folder, KIND, 1)


def test_a_folder_without_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match=r"no manifest\.json"):
        read_artefact(tmp_path, KIND, 1)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"kind": 1, "version": 1, "files": 3}'])
def test_an_unreadable_manifest_is_refused(model: Artefact, text: str) -> None:
    (model.folder / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(ArtefactError, match="cannot be read"):
        read_artefact(model.folder, KIND, 1)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "..", "sub/a.npz"])
def test_a_manifest_that_points_outside_is_refused(model: Artefact, name: str) -> None:
    path = model.folder / MANIFEST
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["files"] = {name: "0" * 64}
    path.write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ArtefactError, match="outside"):
        read_artefact(model.folder, KIND, 1)


def test_only_files_of_the_manifest_are_opened(model: Artefact) -> None:
    (model.folder / "b.npz").write_bytes(b"smuggled")
    with pytest.raises(ArtefactError, match="names no file"):
        read_artefact(model.folder, KIND, 1).arrays("b.npz")


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    def pickled(folder: Path) -> None:
        np.savez(folder / "a.npz", a=np.array([{"run": "me"}], dtype=object))

    artefact = write_artefact(tmp_path / "m", KIND, 1, pickled, {})
    with pytest.raises(ArtefactError, match="no plain arrays"):
        artefact.arrays("a.npz")


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    def text(folder: Path) -> None:
        (folder / "a.npz").write_bytes(b"just some text")

    artefact = write_artefact(tmp_path / "m", KIND, 1, text, {})
    with pytest.raises(ArtefactError, match="no plain arrays"):
        artefact.arrays("a.npz")


def test_killed_in_mid_writing_the_old_one_stands(model: Artefact) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from classifier.artefact import write_artefact\n"
        "def write(folder):\n"
        "    (folder / 'a.npz').write_bytes(b'half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        f"write_artefact(Path(sys.argv[1]), {KIND!r}, 1, write, {{}})\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(model.folder)], check=False)
    assert done.returncode == -9
    assert read_artefact(model.folder, KIND, 1).digest == model.digest

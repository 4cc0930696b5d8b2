"""Model folders: writing, reading, and refusal of damaged ones."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier.artefact import MANIFEST, Artefact, ArtefactError, read_artefact, write_artefact

KIND = "test/model"


def write_numbers(value: int) -> Any:
    def write(folder: Path) -> None:
        np.savez(folder / "a.npz", a=np.full(3, value))
        (folder / "CARD.md").write_text("card", encoding="utf-8")

    return write


@pytest.fixture
def model(tmp_path: Path) -> Artefact:
    return write_artefact(tmp_path / "models" / "m", KIND, 1, write_numbers(7), {"rows": 5})


@pytest.fixture
def outer(tmp_path: Path) -> Artefact:
    """A model folder with a nested one."""

    def write(folder: Path) -> None:
        write_numbers(7)(folder)
        write_artefact(folder / "sub" / "inner", "test/inner", 3, write_numbers(9), {"of": "inner"})

    return write_artefact(tmp_path / "models" / "outer", KIND, 1, write, {})


def test_written_folder_is_read_back(model: Artefact) -> None:
    again = read_artefact(model.folder, KIND, 1)
    assert again.arrays("a.npz")["a"].tolist() == [7, 7, 7]
    assert again.facts == {"rows": 5}
    assert set(again.files) == {"a.npz", "CARD.md"}
    assert again.size == sum(path.stat().st_size for path in model.folder.iterdir())
    assert again.digest == model.digest


def test_second_write_replaces_the_folder_without_leftovers(model: Artefact) -> None:
    new = write_artefact(model.folder, KIND, 1, write_numbers(8), {"rows": 6})
    assert new.arrays("a.npz")["a"].tolist() == [8, 8, 8]
    assert new.digest != model.digest
    assert [path.name for path in model.folder.parent.iterdir()] == ["m"]


def test_failed_write_keeps_the_old_folder(model: Artefact) -> None:
    def fail(folder: Path) -> None:
        (folder / "a.npz").write_bytes(b"half")
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        write_artefact(model.folder, KIND, 1, fail, {})
    assert read_artefact(model.folder, KIND, 1).arrays("a.npz")["a"].tolist() == [7, 7, 7]
    assert [path.name for path in model.folder.parent.iterdir()] == ["m"]


def test_changed_byte_is_refused(model: Artefact) -> None:
    path = model.folder / "a.npz"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(ArtefactError, match=r"a\.npz is not the file .*sha256"):
        read_artefact(model.folder, KIND, 1)


@pytest.mark.parametrize(("kind", "version"), [(KIND, 2), ("other/model", 1)])
def test_other_kind_or_version_is_refused(model: Artefact, kind: str, version: int) -> None:
    with pytest.raises(ArtefactError, match="in format 1, not"):
        read_artefact(model.folder, kind, version)


@pytest.mark.parametrize("kind", [None, [], {}])
def test_manifest_without_a_kind_is_refused(model: Artefact, kind: Any) -> None:
    path = model.folder / MANIFEST
    manifest = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**manifest, "kind": kind}), encoding="utf-8")
    with pytest.raises(ArtefactError, match="in format 1, not"):
        read_artefact(model.folder, KIND, 1)


def test_missing_file_is_refused(model: Artefact) -> None:
    (model.folder / "a.npz").unlink()
    with pytest.raises(ArtefactError, match=r"a\.npz is missing"):
        read_artefact(model.folder, KIND, 1)


def test_folder_without_manifest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path, tmp_path / "absent", tmp_path / "file"):
        with pytest.raises(ArtefactError, match=r"no manifest\.json"):
            read_artefact(path, KIND, 1)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"kind": 1, "version": 1, "files": 3}'])
def test_unreadable_manifest_is_refused(model: Artefact, text: str) -> None:
    (model.folder / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(ArtefactError, match="cannot be read"):
        read_artefact(model.folder, KIND, 1)


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "..", "sub/../../secret", "./a.npz", ""]
)
def test_manifest_with_unsafe_paths_is_refused(model: Artefact, name: str) -> None:
    path = model.folder / MANIFEST
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["files"] = {name: "0" * 64}
    path.write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ArtefactError, match="invalid path"):
        read_artefact(model.folder, KIND, 1)


@pytest.mark.parametrize("name", ["a.npz", "sub/inner/a.npz", "sub"])
def test_symbolic_link_is_refused(outer: Artefact, name: str) -> None:
    """A link is refused even if the digest matches, because its target may change later."""
    elsewhere = outer.folder.parent / "elsewhere"
    (outer.folder / name).rename(elsewhere)
    (outer.folder / name).symlink_to(elsewhere)
    with pytest.raises(ArtefactError, match="is a link"):
        read_artefact(outer.folder, KIND, 1)


def test_nested_model_is_listed_in_both_manifests(outer: Artefact) -> None:
    assert set(outer.files) == {
        "a.npz", "CARD.md", *(f"sub/inner/{name}" for name in ("a.npz", "CARD.md", MANIFEST)),
    }  # fmt: skip
    inner = read_artefact(outer.folder / "sub" / "inner", "test/inner", 3)
    assert inner.facts == {"of": "inner"}
    assert inner.arrays("a.npz")["a"].tolist() == [9, 9, 9]
    assert outer.arrays("sub/inner/a.npz")["a"].tolist() == [9, 9, 9]
    assert outer.size == sum(p.stat().st_size for p in outer.folder.rglob("*") if p.is_file())


@pytest.mark.parametrize("name", ["a.npz", MANIFEST])
def test_change_in_a_nested_model_is_refused(outer: Artefact, name: str) -> None:
    path = outer.folder / "sub" / "inner" / name
    path.write_bytes(path.read_bytes().replace(b"a", b"b", 1))
    with pytest.raises(ArtefactError, match=f"sub/inner/{name} is not the file"):
        read_artefact(outer.folder, KIND, 1)
    path.unlink()
    with pytest.raises(ArtefactError, match=f"sub/inner/{name} is missing"):
        read_artefact(outer.folder, KIND, 1)


def test_failed_write_of_a_nested_model_keeps_the_old_folder(outer: Artefact) -> None:
    def fail(folder: Path) -> None:
        raise RuntimeError("disk full")

    def write(folder: Path) -> None:
        write_numbers(8)(folder)
        write_artefact(folder / "sub" / "inner", "test/inner", 3, fail, {})

    with pytest.raises(RuntimeError, match="disk full"):
        write_artefact(outer.folder, KIND, 1, write, {})
    assert read_artefact(outer.folder, KIND, 1).digest == outer.digest
    assert [path.name for path in outer.folder.parent.iterdir()] == ["outer"]


def test_file_missing_from_the_manifest_is_not_opened(model: Artefact) -> None:
    (model.folder / "b.npz").write_bytes(b"smuggled")
    with pytest.raises(ArtefactError, match="names no file"):
        read_artefact(model.folder, KIND, 1).arrays("b.npz")


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    def pickled(folder: Path) -> None:
        np.savez(folder / "a.npz", a=np.array([{"run": "me"}], dtype=object))

    artefact = write_artefact(tmp_path / "m", KIND, 1, pickled, {})
    with pytest.raises(ArtefactError, match="no plain arrays"):
        artefact.arrays("a.npz")


def bare_array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


def archive(content: bytes, damage: bool = False, flags: int = 0, method: int = 8) -> bytes:
    """Return an archive of one file; ``flags`` and ``method`` are those of its directory entry."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.npy", content)
    raw = bytearray(buffer.getvalue())
    if damage:
        raw[40:60] = b"\xff" * 20
    entry = raw.index(b"PK\x01\x02")
    raw[entry + 8], raw[entry + 10] = flags, method
    return bytes(raw)


def array_with_header(text: str) -> bytes:
    header = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


@pytest.mark.parametrize(
    "content",
    [
        b"just some text", b"", bare_array(), bare_array()[:-5], archive(b"no array"),
        archive(bare_array()[:-5]), archive(bytes(range(256)) * 9, damage=True),
        archive(bare_array())[:-30], archive(bare_array(), flags=1),
        archive(bare_array(), method=99), archive(array_with_header("{'descr': (")),
    ],
    ids=["text", "nothing", "one array", "half an array", "an archive of text",
         "an archive of half an array", "a damaged archive", "half an archive",
         "an encrypted archive", "an unknown compression", "an incomplete header"],
)  # fmt: skip
def test_file_without_plain_arrays_is_refused(tmp_path: Path, content: bytes) -> None:
    def write(folder: Path) -> None:
        (folder / "a.npz").write_bytes(content)

    artefact = write_artefact(tmp_path / "m", KIND, 1, write, {})
    with pytest.raises(ArtefactError, match="no plain arrays"):
        artefact.arrays("a.npz")


def test_killed_write_keeps_the_old_folder(model: Artefact) -> None:
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

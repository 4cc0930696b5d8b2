"""Model folders: written aside and renamed, read only when every digest agrees.

A model is a folder with a ``manifest.json``: its kind and format version, the sha256 of each
file, and the facts about its making (training data, metrics, library versions, licence). A folder
in it may be a model of its own, with its own manifest, which the outer one names like any file.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

MANIFEST = "manifest.json"


class ArtefactError(Exception):
    """A model folder that must not be used: ``folder`` and, in plain words, ``reason``."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"{folder}: {reason}")
        self.folder = folder
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Artefact:
    """A verified model folder. ``digest`` is the sha256 of its manifest, hence of all of it."""

    folder: Path
    digest: str
    files: Mapping[str, str]
    facts: Mapping[str, Any]

    def path(self, name: str) -> Path:
        """Where a file of the manifest lies; raises ``ArtefactError`` for any other name."""
        if name not in self.files:
            raise ArtefactError(self.folder, f"the manifest names no file {name!r}")
        return self.folder / name

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """The arrays of an ``.npz`` file; raises ``ArtefactError`` when one would need pickle."""
        try:
            with np.load(self.path(name), allow_pickle=False) as file:
                arrays = {key: file[key] for key in file.files}
        except (ValueError, TypeError, BadZipFile, EOFError, zlib.error) as error:
            raise ArtefactError(self.folder, f"{name} holds no plain arrays: {error}") from error
        if not all(isinstance(array, np.ndarray) for array in arrays.values()):
            raise ArtefactError(self.folder, f"{name} holds no plain arrays: other files lie in it")
        return arrays

    @property
    def size(self) -> int:
        """Bytes of all its files, the manifest included."""
        return sum((self.folder / name).stat().st_size for name in (*self.files, MANIFEST))


def write_artefact(
    folder: Path,
    kind: str,
    version: int,
    write: Callable[[Path], None],
    facts: Mapping[str, Any],
) -> Artefact:
    """Make or replace the model folder ``folder``.

    ``write`` puts the files into the folder it is given; ``facts`` must be JSON values. Readers
    see the old folder or the new one, whole; after an error the old one stays. Killed between the
    two renames of a replacement, it leaves the old one beside, as ``.<name>-old-...``.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        write(aside)
        written = sorted(path for path in aside.rglob("*") if path.is_file())
        files = {path.relative_to(aside).as_posix(): _sha256(path) for path in written}
        manifest = {"kind": kind, "version": version, "files": files, "facts": dict(facts)}
        text = json.dumps(manifest, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
        (aside / MANIFEST).write_text(text, encoding="utf-8")
        for path in (*written, aside / MANIFEST):
            _flush(path)
        aside.chmod(0o755)
        _put_in_place(aside, folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return read_artefact(folder, kind, version)


def read_artefact(
    folder: Path, kind: str, version: int, former_kind: str | None = None
) -> Artefact:
    """Verify a model folder; raises ``ArtefactError`` that says what is wrong with it.

    ``former_kind``: what older programs called the same kind.
    """
    try:
        raw = (folder / MANIFEST).read_bytes()
        manifest = json.loads(raw)
        found = manifest["kind"], manifest["version"]
        files, facts = dict(manifest["files"]), dict(manifest["facts"])
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ArtefactError(folder, f"there is no {MANIFEST}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ArtefactError(folder, f"{MANIFEST} cannot be read: {error!r}") from error
    if found not in {(kind, version), (former_kind, version)}:
        raise ArtefactError(
            folder, f"it is {found[0]!r} in format {found[1]!r}, not {kind!r} in format {version}"
        )
    for name, digest in files.items():
        _verify(folder, name, digest)
    digest = hashlib.sha256(raw).hexdigest()
    return Artefact(folder, digest, MappingProxyType(files), MappingProxyType(facts))


def _verify(folder: Path, name: str, digest: object) -> None:
    if not name or Path(name).is_absolute() or {".", ".."} & set(name.split("/")):
        raise ArtefactError(folder, f"the manifest points outside the folder: {name!r}")
    path = folder / name
    if not path.is_file():
        raise ArtefactError(folder, f"{name} is missing")
    if path.resolve() != folder.resolve() / name:
        raise ArtefactError(folder, f"{name} is a link: the file lies elsewhere")
    if _sha256(path) != digest:
        raise ArtefactError(folder, f"{name} is not the file that the manifest describes (sha256)")


def _put_in_place(aside: Path, folder: Path) -> None:
    if not folder.exists():
        aside.rename(folder)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent))
    folder.rename(old)
    try:
        aside.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    shutil.rmtree(old)


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

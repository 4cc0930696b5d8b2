"""Model folders: written to a temporary folder and renamed, verified by sha256 when read.

A model is a folder with a ``manifest.json``: its kind and format version, the sha256 of each
file, and facts about the training (data, metrics, library versions, licence). A subfolder may be
a model with a manifest of its own, which the outer manifest lists like any other file.
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
from tokenize import TokenError
from types import MappingProxyType
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

MANIFEST = "manifest.json"


class ArtefactError(Exception):
    """The model folder ``folder`` must not be used; ``reason`` is a sentence for people."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"{folder}: {reason}")
        self.folder = folder
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Artefact:
    """A verified model folder.

    ``digest`` is the sha256 of the manifest, which has the sha256 of every file.
    """

    folder: Path
    digest: str
    files: Mapping[str, str]
    facts: Mapping[str, Any]

    def path(self, name: str) -> Path:
        """Return the path of a file that the manifest lists.

        Raises:
            ArtefactError: The manifest does not list ``name``.
        """
        if name not in self.files:
            raise ArtefactError(self.folder, f"the manifest names no file {name!r}")
        return self.folder / name

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """Return the arrays of an ``.npz`` file by name, in the shapes in which they were saved.

        Raises:
            ArtefactError: The file is damaged, or an array could only be read by unpickling.
        """
        try:
            with np.load(self.path(name), allow_pickle=False) as file:
                arrays = {key: file[key] for key in file.files}
        # RuntimeError: a file is encrypted or its compression unknown. TokenError: a broken header.
        except (
            ValueError, TypeError, EOFError, RuntimeError, TokenError, BadZipFile, zlib.error,
        ) as error:  # fmt: skip
            raise ArtefactError(self.folder, f"{name} holds no plain arrays: {error}") from error
        if not all(isinstance(array, np.ndarray) for array in arrays.values()):
            raise ArtefactError(self.folder, f"{name} holds no plain arrays: other files lie in it")
        return arrays

    @property
    def size(self) -> int:
        """The size of all files in bytes, the manifest included."""
        return sum((self.folder / name).stat().st_size for name in (*self.files, MANIFEST))


def write_artefact(
    folder: Path,
    kind: str,
    version: int,
    write: Callable[[Path], None],
    facts: Mapping[str, Any],
) -> Artefact:
    """Create or replace the model folder ``folder``.

    Readers never see an incomplete folder, but between the two renames of a replacement there is
    none. After an error the old folder stays. A process killed between the renames leaves the old
    folder as ``.<name>-old-...`` in the same parent folder.

    Args:
        folder: The folder to create or replace.
        kind: The kind of model, stored in the manifest.
        version: The version of the format, stored in the manifest.
        write: Called with a temporary folder, into which it writes the files.
        facts: JSON values for the manifest.
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
    """Read and verify a model folder.

    Args:
        folder: The model folder.
        kind: The expected kind.
        version: The expected version of the format.
        former_kind: The name of the same kind in older releases.

    Raises:
        ArtefactError: The manifest is missing, malformed or of another kind or version, or a file
            does not match its sha256.
        OSError: A file can't be read.
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
    if found not in ((kind, version), (former_kind or kind, version)):
        raise ArtefactError(
            folder, f"it is {found[0]!r} in format {found[1]!r}, not {kind!r} in format {version}"
        )
    for name, digest in files.items():
        _verify(folder, name, digest)
    digest = hashlib.sha256(raw).hexdigest()
    return Artefact(folder, digest, MappingProxyType(files), MappingProxyType(facts))


def _verify(folder: Path, name: str, digest: object) -> None:
    if not name or Path(name).is_absolute() or {".", ".."} & set(name.split("/")):
        raise ArtefactError(folder, f"the manifest has an invalid path: {name!r}")
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

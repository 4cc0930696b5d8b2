"""manage.py train_starter: trains the starter from a table and writes its folder and figures."""

from __future__ import annotations

import csv
import io
import itertools
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from classifier.decision.bundle import Bundle
from classifier.decision.types import SpotFeatures

pytestmark = pytest.mark.django_db
HEADS = ["Advertisement ID", "Segment_num", "text", "split"]
STOCK = {
    0: "магазин скидка цена рублей сыр яблоки килограмм распродажа дешевле молоко",
    8: "ипотека кредит наличными ставка годовых заявка рефинансирование заём одобрение",
    15: "музыка песни концерт радио плейлист альбом билеты хиты певица оркестр",
}


def texts(words: list[str], count: int, dice: random.Random) -> list[str]:
    """Return ``count`` sentences of five of these words each; no two have the same five."""
    choices = list(itertools.combinations(words, 5))
    return [" ".join(dice.sample(one, 5)).capitalize() for one in dice.sample(choices, count)]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Twelve rows for each of three segments, a third of them ``valid``, and a silent row.

    Half of the rows of segment 0 have the number 6, which is read as 0.
    """
    dice = random.Random(7)
    rows: list[list[Any]] = []
    for segment, words in STOCK.items():
        for place, text in enumerate(texts(words.split(), 12, dice)):
            number = 6 if segment == 0 and place % 2 else segment
            rows.append([len(rows), number, text, "valid" if place % 3 == 0 else "train"])
    rows.append([99, 0, "ДИНАМИЧНАЯ МУЗЫКА", "train"])
    path = tmp_path / "table.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADS, *rows])
    return path


def train(table: Path, out: Path) -> dict[str, str]:
    """Run the command and return its printed figures by name."""
    output = io.StringIO()
    call_command(
        "train_starter", "--transcripts", str(table), "--out", str(out),
        stdout=output, stderr=io.StringIO(),
    )  # fmt: skip
    return dict(line.split(maxsplit=1) for line in output.getvalue().splitlines())


def files_in(folder: Path) -> list[str]:
    found = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(path.relative_to(folder).as_posix() for path in found)


def test_command_writes_a_model_that_classifies(table: Path, tmp_path: Path) -> None:
    figures = train(table, tmp_path / "model")
    bundle = Bundle.load(tmp_path / "model")
    assert set(bundle.facts["evaluation"]["segments"]) == {"0", "8", "15"}
    spoken = [
        "Ипотека: ставка снижена, заявка онлайн",
        "Песни и хиты, альбом певицы",
        "Сыр, скидка",
    ]
    features = [SpotFeatures(speech=text) for text in spoken]
    assert [one.segment for one in bundle.predict(features)] == [8, 15, 0]
    assert (figures["rows"], figures["silent"]) == ("37", "1")
    for name in ("macro_f1_valid", "macro_f1_grouped", "ece_grouped"):
        assert 0 <= float(figures[name]) <= 1
    assert float(figures["macro_f1_valid"]) > 0.6


def test_model_folder_states_its_source_and_contains_no_text(table: Path, tmp_path: Path) -> None:
    train(table, tmp_path / "model")
    facts = json.loads((tmp_path / "model" / "manifest.json").read_text("utf-8"))["facts"]
    assert facts["training"]["rows"] == 37
    assert facts["metrics"]["macro_f1_valid"] > 0.6
    assert "Apache-2.0" in (tmp_path / "model" / "MODEL_CARD.md").read_text("utf-8")
    assert files_in(tmp_path / "model") == [
        "MODEL_CARD.md", "held_out.npz", "manifest.json", "text/manifest.json", "text/weights.npz",
    ]  # fmt: skip
    for name in files_in(tmp_path / "model"):
        path = tmp_path / "model" / name
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                assert {array.dtype.kind for array in arrays.values()} <= set("iufb")
        else:
            for word in ("рефинансирование", "плейлист"):
                assert word.encode() not in path.read_bytes()


def test_same_table_gives_the_same_bytes(table: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        train(table, tmp_path / name)
    names = files_in(tmp_path / "first")
    assert names == files_in(tmp_path / "second")
    for name in names:
        first, second = (tmp_path / folder / name for folder in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("id,text\n1,слово\n", "столбц"),
        (",".join(HEADS) + "\n1,77,слово,train\n", "Строка 2"),
        (",".join(HEADS) + "\n1,0,слово,train\n1,0,слово,test\n", "Строка 3"),
        (",".join(HEADS) + "\n1,,слово,train\n", "Строка 2"),
        ("Segment_num,text\n0,слово\n", "valid"),
    ],
)
def test_invalid_table_is_refused_with_its_row_and_nothing_is_written(
    tmp_path: Path, content: str, words: str
) -> None:
    table = tmp_path / "table.csv"
    table.write_text(content, "utf-8")
    with pytest.raises(CommandError, match=words):
        train(table, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_missing_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="missing"):
        train(tmp_path / "missing.csv", tmp_path / "model")

"""A workbook of 50,000 rows answered, against openpyxl loading and saving the same file.

    python benchmarks/predict_table.py

The file has ten columns, a title over merged cells, a second sheet, formulas, dates, and IDs as
texts, as numbers, as blanks and as duplicates. Each run has a process of its own: peak RSS and
seconds, medians of ``RUNS``, the two in turn. Ours is everything that the worker's two passes do,
with Django and the project loaded; the answers are made up in place of a database.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

RUNS = 3
ROWS = 50_000
TARGET = 1.3


def main() -> None:
    if sys.argv[1:]:
        what, *paths = sys.argv[1:]
        began = time.perf_counter()
        {"openpyxl": openpyxl, "ours": ours, "check": check}[what](*map(Path, paths))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": time.perf_counter() - began, "megabytes": peak}))
        return
    with tempfile.TemporaryDirectory(prefix="table-benchmark-") as folder:
        source = Path(folder) / "table.xlsx"
        make(source)
        measured: dict[str, list[dict[str, float]]] = {"openpyxl": [], "ours": []}
        for _run in range(RUNS):
            for what, runs in measured.items():
                runs.append(child(what, source, Path(folder) / f"{what}.xlsx"))
        child("check", source, Path(folder) / "ours.xlsx")
        size = source.stat().st_size / 1e6
    print(f"{ROWS:,} rows x 10 columns, {size:.1f} MB, medians of {RUNS}")
    middle = {
        (what, figure): statistics.median(run[figure] for run in runs)
        for what, runs in measured.items()
        for figure in ("seconds", "megabytes")
    }
    for what in measured:
        seconds, megabytes = middle[what, "seconds"], middle[what, "megabytes"]
        print(f"  {what:<10} {seconds:6.2f} s   peak RSS {megabytes:6.0f} MB")
    for figure, target in (("seconds", ""), ("megabytes", f"   (at most {TARGET})")):
        ratio = middle["ours", figure] / middle["openpyxl", figure]
        print(f"  ratio of {figure:<10} {ratio:5.2f}{target}")


def child(what: str, *paths: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, what, *map(str, paths)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    result: dict[str, float] = json.loads(done.stdout)
    return result


def make(path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["A1"] = "Медиаплан"
    sheet.merge_cells("A1:J1")
    sheet.append([])
    sheet.append(["Advertisement ID", *[f"Столбец {number}" for number in range(9)]])
    for number in range(ROWS):
        sheet.append(
            [
                id_of(number), f"Бренд {number % 300}", f"Рекламодатель {number % 90}", "ТВ",
                date(2026, 1, 1) + timedelta(days=number % 300), number * 1.25, number,
                f"=G{number + 4}*2", f"Примечание к строке {number}", number % 7,
            ]
        )  # fmt: skip
    other = book.create_sheet("Справка")
    for number in range(1000):
        other.append([number, f"=A{number + 1}"])
    book.save(path)


def id_of(number: int) -> Any:
    """Each form of an ID in its turn; every tenth is a duplicate."""
    advertisement = 4_000_000 + number // 10 * 10 if number % 10 == 1 else 4_000_000 + number
    forms = (advertisement, str(advertisement), float(advertisement), f" {advertisement} ")
    return None if number % 50 == 0 else forms[number % len(forms)]


def openpyxl(source: Path, target: Path) -> None:
    from openpyxl import load_workbook

    load_workbook(source).save(target)


def ours(source: Path, target: Path) -> None:
    start_django(target.parent)
    from creativefilter.sheets import rewrite
    from creativefilter.tables.answers import ADDED, Answer

    def answer(keys: list[rewrite.Key], _done: float) -> list[tuple[rewrite.Value, ...]]:
        return [made_up(number_of(key)).cells() for key in keys]

    def made_up(number: int | None) -> Answer:
        if number is None:
            return Answer("blank", None, None, None, None, "blank")
        return Answer("ok", number % 17, f"Сегмент {number % 17}", 0.9731, "no", "ok")

    with source.open("rb") as file, target.open("wb") as written:
        plan = rewrite.plan(file, ADDED, lambda _keys, _done: None)
        rewrite.write(file, plan, written, answer)


def number_of(key: Any) -> int | None:
    """The Advertisement ID of a cell, read as the product reads it."""
    from creativefilter.creatives import ids

    try:
        return int(ids.normal("" if key is None else str(key)))
    except ids.IdError:
        return None


def start_django(data: Path) -> None:
    import os

    os.environ["DJANGO_SETTINGS_MODULE"] = "creativefilter.settings"
    os.environ["DATA_DIR"] = str(data)
    import django

    django.setup()


def check(source: Path, answered: Path) -> None:
    """Every row in its place, with its own answer and its own cells."""
    from openpyxl import load_workbook

    start_django(answered.parent)
    before = load_workbook(source, read_only=True).worksheets[0].iter_rows(values_only=True)
    after = load_workbook(answered, read_only=True).worksheets[0].iter_rows(values_only=True)
    rows = 0
    for number, (old, new) in enumerate(zip(before, after, strict=True)):
        assert list(new[:10]) == list(old[:10]), number
        if number > 2:
            rows += 1
            key = number_of(old[0])
            assert new[10] == (None if key is None else key % 17), number
            assert new[14] == ("blank" if key is None else "ok"), number
    assert rows == ROWS


if __name__ == "__main__":
    main()

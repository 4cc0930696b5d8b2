"""How long does it take to classify a workbook of 50,000 rows, and how much memory?

    python benchmarks/predict_table.py

The baseline is openpyxl loading and saving the same file. The file has ten columns, a title over
merged cells, a second sheet, formulas, dates, and IDs as text, as numbers, blank and duplicate.
Each run has its own process, and the two take turns; figures are medians of ``RUNS``. "ours" does
everything that both passes of the worker do, with Django and the project loaded; the answers are
generated instead of read from a database.
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
        task, *paths = sys.argv[1:]
        began = time.perf_counter()
        {"openpyxl": openpyxl, "ours": this_project, "check": check}[task](*map(Path, paths))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": time.perf_counter() - began, "megabytes": peak}))
        return
    with tempfile.TemporaryDirectory(prefix="table-benchmark-") as folder:
        source = Path(folder) / "table.xlsx"
        make(source)
        measured: dict[str, list[dict[str, float]]] = {"openpyxl": [], "ours": []}
        for _run in range(RUNS):
            for task, runs in measured.items():
                runs.append(run_child(task, source, Path(folder) / f"{task}.xlsx"))
        run_child("check", source, Path(folder) / "ours.xlsx")
        size = source.stat().st_size / 1e6
    print(f"{ROWS:,} rows x 10 columns, {size:.1f} MB, medians of {RUNS}")
    medians = {
        (task, figure): statistics.median(run[figure] for run in runs)
        for task, runs in measured.items()
        for figure in ("seconds", "megabytes")
    }
    for task in measured:
        seconds, megabytes = medians[task, "seconds"], medians[task, "megabytes"]
        print(f"  {task:<10} {seconds:6.2f} s   peak RSS {megabytes:6.0f} MB")
    for figure, target in (("seconds", ""), ("megabytes", f"   (at most {TARGET})")):
        ratio = medians["ours", figure] / medians["openpyxl", figure]
        print(f"  ratio of {figure:<10} {ratio:5.2f}{target}")


def run_child(task: str, *paths: Path) -> dict[str, float]:
    process = subprocess.run(
        [sys.executable, __file__, task, *map(str, paths)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    result: dict[str, float] = json.loads(process.stdout)
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
    """Return IDs in several forms by turns; every tenth is a duplicate, every fiftieth blank."""
    advertisement = 4_000_000 + number // 10 * 10 if number % 10 == 1 else 4_000_000 + number
    forms = (advertisement, str(advertisement), float(advertisement), f" {advertisement} ")
    return None if number % 50 == 0 else forms[number % len(forms)]


def openpyxl(source: Path, target: Path) -> None:
    from openpyxl import load_workbook

    load_workbook(source).save(target)


def this_project(source: Path, target: Path) -> None:
    start_django(target.parent)
    from creativefilter.sheets import rewrite
    from creativefilter.tables.answers import ADDED, Answer

    def answer(keys: list[rewrite.Key], _done: float) -> list[tuple[rewrite.Value, ...]]:
        return [generated_answer(number_of(key)).cells() for key in keys]

    def generated_answer(number: int | None) -> Answer:
        if number is None:
            return Answer("blank", None, None, None, None, "blank")
        return Answer("ok", number % 17, f"Сегмент {number % 17}", 0.9731, "no", "ok")

    with source.open("rb") as file, target.open("wb") as written:
        plan = rewrite.plan(file, ADDED, lambda _keys, _done: None)
        rewrite.write(file, plan, written, answer)


def number_of(key: Any) -> int | None:
    """Return the normalised Advertisement ID of a cell; None if it has none."""
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


def check(source: Path, classified: Path) -> None:
    """Check that every row has its original cells and its own answer."""
    from openpyxl import load_workbook

    start_django(classified.parent)
    before = load_workbook(source, read_only=True).worksheets[0].iter_rows(values_only=True)
    after = load_workbook(classified, read_only=True).worksheets[0].iter_rows(values_only=True)
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

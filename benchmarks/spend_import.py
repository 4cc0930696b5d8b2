"""How long does an import of spend take, compared with a bare copy of the same rows?

    python benchmarks/spend_import.py [FILE] [--quick]

The baseline ("bare") reads the CSV file with the csv module and inserts its rows, unchecked, into a
table with the file's columns and an index: by COPY on PostgreSQL, by executemany on SQLite. Each
run has its own process and database, and the two take turns; figures are medians of ``RUNS``.
"""

from __future__ import annotations

import csv
import gzip
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import common  # noqa: E402

RUNS = 5
TARGET_RATIO, TARGET_MEGABYTES = 4.0, 300
COLUMNS = "advertisement_id, advertiser, brand, media_type, amount, year, month"


def main() -> None:
    if sys.argv[1:2] in (["bare"], ["import"]):
        print(json.dumps({"bare": run_bare, "import": run_import}[sys.argv[1]](Path(sys.argv[2]))))
        return
    parser = common.options(__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=common.SPEND)
    options = parser.parse_args()
    with common.new_databases() as new:
        if options.quick:
            file = few_rows(Path(new("SQLite", "rows")[0], "spend.csv.gz"))
            compare("PostgreSQL", file, 1, new)
            return
        compare("PostgreSQL", options.file, RUNS, new)
        compare("SQLite", options.file, RUNS, new)


def few_rows(path: Path) -> Path:
    """Write a file of 300 rows for ``--quick``."""
    header = "Advertisement ID,Advertiser,Brand,Media Type,Estimated cost RUB,Year,Month\n"
    rows = (f"{n // 3},A{n % 5},B{n % 7},TV,{n}.25,2020,{1 + n % 12}\n" for n in range(300))
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines([header, *rows])
    return path


def compare(
    kind: str, file: Path, repeats: int, new: Callable[[str, str], tuple[str, str]]
) -> None:
    measured: dict[str, list[dict[str, float]]] = {"bare": [], "import": []}
    for number in range(repeats):
        for task, runs in measured.items():
            place = new(kind, f"{task}_{number}")
            runs.append(json.loads(common.child(__file__, *place, [task, str(file)], capture=True)))
    seconds = {
        task: statistics.median(run["seconds"] for run in runs) for task, runs in measured.items()
    }
    ratio = seconds["import"] / seconds["bare"]
    growth = max(run["megabytes"] for run in measured["import"])
    rows = {run["rows"] for runs in measured.values() for run in runs}
    assert len(rows) == 1, f"the runs wrote different numbers of rows: {sorted(rows)}"
    print(f"{kind}: {rows.pop():,.0f} rows, medians of {repeats}")
    print(f"  bare                 {seconds['bare']:6.2f} s")
    print(f"  import               {seconds['import']:6.2f} s")
    print(f"  of it in the transaction "
          f"{statistics.median(run['merging'] for run in measured['import']):.2f} s")  # fmt: skip
    print(f"  ratio                {ratio:6.2f}   (at most {TARGET_RATIO:.0f})")
    print(f"  growth of RSS        {growth:6.0f} MB (under {TARGET_MEGABYTES})")


def run_bare(file: Path) -> dict[str, float]:
    """Copy the rows into a table without checks."""
    common.start_django(migrate=False)
    from django.db import connection, transaction

    serial = "bigserial" if connection.vendor == "postgresql" else "integer"
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE bare (id {serial} PRIMARY KEY, advertisement_id varchar(64),"
            " advertiser varchar(255), brand varchar(255), media_type varchar(64),"
            " amount numeric(18, 4), year smallint, month smallint)"
        )
        cursor.execute("CREATE INDEX bare_ad ON bare (advertisement_id)")
        began = time.perf_counter()
        with gzip.open(file, "rt", encoding="utf-8", newline="") as text, transaction.atomic():
            rows = csv.reader(text)
            next(rows)
            if connection.vendor == "postgresql":
                with cursor.copy(f"COPY bare ({COLUMNS}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
            else:
                insert = f"INSERT INTO bare ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
                connection.connection.executemany(insert, rows)
        seconds = time.perf_counter() - began
        cursor.execute("SELECT COUNT(*) FROM bare")
        [count] = cursor.fetchone()
    return {"seconds": seconds, "rows": count, "megabytes": 0}


def run_import(file: Path) -> dict[str, float]:
    """Import the file as ``manage.py import_spend`` does."""
    common.start_django()
    from creativefilter.spend.imports import importer
    from creativefilter.spend.models import SpendRow

    merging: list[float] = []
    merge = importer.merge

    def timed_merge(*args: object, **options: object) -> object:
        result, seconds = common.timed(lambda: merge(*args, **options))
        merging.append(seconds)
        return result

    importer.merge = timed_merge  # type: ignore[assignment]
    megabytes_before = common.megabytes()
    _, seconds = common.timed(lambda: importer.import_file(file))
    return {
        "seconds": seconds,
        "merging": merging[0],
        "rows": SpendRow.objects.count(),
        "megabytes": common.megabytes("VmHWM") - megabytes_before,
    }


if __name__ == "__main__":
    main()

"""How long does an import of spend take, compared with a bare copy of the same rows?

    python benchmarks/spend_import.py [FILE]

The baseline ("bare") reads the CSV file with the csv module and inserts its rows, unchecked, into a
table with the file's columns and an index: by COPY on PostgreSQL, by executemany on SQLite. Each
run has its own process and database, and the two take turns; figures are medians of ``RUNS``.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

RUNS = 5
TARGET_RATIO, TARGET_MEGABYTES = 4.0, 300
REFERENCE = Path(os.environ.get("REFERENCE_DATA", ROOT.parent / "shared" / "data"))
COLUMNS = "advertisement_id, advertiser, brand, media_type, amount, year, month"


def main() -> None:
    if sys.argv[1:2] in (["bare"], ["import"]):
        print(json.dumps({"bare": run_bare, "import": run_import}[sys.argv[1]](Path(sys.argv[2]))))
        return
    file = Path(sys.argv[1]) if sys.argv[1:] else REFERENCE / "dashboard_data_synthetic.csv.gz"
    from tests import postgres

    server = postgres.start(Path(tempfile.mkdtemp(prefix="spend-benchmark-")))
    try:
        compare("PostgreSQL, bare COPY", file, server)
        compare("SQLite, bare executemany", file, None)
    finally:
        server.stop()


def compare(name: str, file: Path, server: object) -> None:
    measured: dict[str, list[dict[str, float]]] = {"bare": [], "import": []}
    for number in range(RUNS):
        for task, runs in measured.items():
            with tempfile.TemporaryDirectory(prefix="spend-benchmark-") as folder:
                url = f"sqlite:///{folder}/db.sqlite3"
                if server is not None:
                    from tests import postgres

                    url = postgres.create_database(server.url("postgres"), f"{task}_{number}")
                runs.append(run_child(task, file, folder, url))
    seconds = {
        task: statistics.median(run["seconds"] for run in runs) for task, runs in measured.items()
    }
    ratio = seconds["import"] / seconds["bare"]
    growth = max(run["megabytes"] for run in measured["import"])
    rows = {run["rows"] for runs in measured.values() for run in runs}
    assert len(rows) == 1, "both wrote the same rows"
    print(f"{name}: {rows.pop():,.0f} rows, medians of {RUNS}")
    print(f"  bare                 {seconds['bare']:6.2f} s")
    print(f"  import               {seconds['import']:6.2f} s")
    print(f"  of it in the transaction "
          f"{statistics.median(run['merging'] for run in measured['import']):.2f} s")  # fmt: skip
    print(f"  ratio                {ratio:6.2f}   (at most {TARGET_RATIO:.0f})")
    print(f"  growth of RSS        {growth:6.0f} MB (under {TARGET_MEGABYTES})")


def run_child(task: str, file: Path, folder: str, url: str) -> dict[str, float]:
    environment = os.environ | {"DATA_DIR": folder, "DATABASE_URL": url}
    process = subprocess.run(
        [sys.executable, __file__, task, str(file)],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    result: dict[str, float] = json.loads(process.stdout)
    return result


def start_django() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "creativefilter.settings"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def run_bare(file: Path) -> dict[str, float]:
    """Copy the rows into a table without checks."""
    start_django()
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
    start_django()
    from creativefilter.spend.imports import importer
    from creativefilter.spend.models import SpendRow

    merging: list[float] = []
    merge = importer.merge

    def timed_merge(*args: object, **options: object) -> object:
        began = time.perf_counter()
        try:
            return merge(*args, **options)  # type: ignore[arg-type]
        finally:
            merging.append(time.perf_counter() - began)

    importer.merge = timed_merge  # type: ignore[assignment]
    megabytes_before = megabytes()
    began = time.perf_counter()
    importer.import_file(file)
    seconds = time.perf_counter() - began
    return {
        "seconds": seconds,
        "merging": merging[0],
        "rows": SpendRow.objects.count(),
        "megabytes": megabytes("VmHWM") - megabytes_before,
    }


def megabytes(field: str = "VmRSS") -> float:
    """Return a memory figure of this process in MB: ``VmRSS`` (now) or ``VmHWM`` (peak)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(field))) / 1024


if __name__ == "__main__":
    main()

"""Duration of jobs beside another writer: ``make writers``.

On each database every kind of work is timed, alternately alone and while another process commits
to a table of its own in the same database ten times a second. Prints the medians. The exit status
is 0 if no job failed and no kind took 1 s longer and over 1.5 times as long beside the writer.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "creativefilter.settings")
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.long import load  # noqa: E402
from tests.stack import Client, running  # noqa: E402

MOST = 1.5
# Smaller differences are attributed to the machine, not to the writer.
NOISE_SECONDS = 1.0
WRITER = """
import sqlite3, sys, time
import psycopg
url = sys.argv[1]
if url.startswith("sqlite:///"):
    path = url.removeprefix("sqlite:///")
    database = sqlite3.connect(path, timeout=20, isolation_level=None)
else:
    database = psycopg.connect(url, autocommit=True)
database.execute("CREATE TABLE IF NOT EXISTS foreign_rows (number INTEGER)")
while True:
    database.execute("INSERT INTO foreign_rows VALUES (1)")
    print("x", flush=True)
    time.sleep(0.1)
"""
SEGMENTS = (0, 12, 16)
WORDS = (
    "скидка яблоки сыр кефир цена магазин рублей молоко акция гречка",
    "кредитная карта лимит проценты грейс льготный период покупки банк снятие",
    "колонка голосовой помощник включи свет умный дом будильник станция алиса",
)
COMMON = (
    "сегодня для вас каждый день вместе очень просто только теперь здесь снова ваш новый город дом "
    "дорога утро вечер зима лето друг семья праздник минута цвет вкус"
)


class Work:
    """Every kind of work as a method that starts it, on new input each time.

    Args:
        place: The application's place.
        client: A REST client.
        rows: Rows of each spend table.
    """

    def __init__(self, place: load.Place, client: Client, rows: int) -> None:
        self.place, self.client, self.rows = place, client, rows
        self.number = 0

    def seed(self) -> None:
        """Import transcripts, labels and spend, for training and figures."""
        texts, labels = self._new(".texts.csv"), self._new(".labels.csv")
        with texts.open("w", encoding="utf-8") as text, labels.open("w", encoding="utf-8") as label:
            text.write("Advertisement ID,text\n")
            label.write("Advertisement ID,Segment_num\n")
            for number in range(self.rows // 20):
                dice = random.Random(number)
                words = dice.choices(WORDS[number % 3].split(), k=5)
                words += dice.choices(COMMON.split(), k=14)
                dice.shuffle(words)
                text.write(f"{load.FIRST_ID + number},{' '.join(words)}\n")
                label.write(f"{load.FIRST_ID + number},{SEGMENTS[number % 3]}\n")
        self._command("import_transcripts", str(texts))
        self._command("import_labels", str(labels))
        self._import(load.spend_table(self._new(".csv"), self.rows, seed=0))
        load.wait_for_all_jobs(self.place.data.database_url, 300)

    def analyse(self) -> None:
        self.number += 1
        for path in load.creatives(self.place.folder / "heard", 3, 3, seed=100 + self.number):
            self._post("/api/v1/creatives", path)

    def ingest(self) -> None:
        self._command("ingest", str(self._files(self.place.folder / f"i{self.number}")))

    def watch(self) -> None:
        files = self._files(self.place.folder / f"w{self.number}")
        files.rename(Path(self.place.data.settings["INGEST_FOLDER"]) / files.name)
        count = "SELECT count(*) FROM jobs_job WHERE kind = 'watch' AND state = 'done'"
        [[before]] = self.place.rows(count)
        load.wait_until(lambda: self.place.rows(count)[0][0] > before, 120, "the folder is read")

    def unpack(self) -> None:
        files = self._files(self.place.folder / f"u{self.number}")
        archive = self._new(".zip")
        with zipfile.ZipFile(archive, "w") as packed:
            for path in files.iterdir():
                packed.write(path, path.name)
        stack = self.client.stack
        address = stack.address + "/admin/creatives/creative/add/"
        assert load.post_form(load.pages_of(stack), address, {}, archive).ok

    def spend_import(self) -> None:
        self._import(load.spend_table(self._new(".csv"), self.rows, seed=self.number))

    def spend_export(self) -> None:
        body = {"kind": "creatives", "format": "xlsx"}
        assert self.client.request("POST", "/api/v1/exports", json=body).status_code == 202

    def table(self) -> None:
        self._post("/api/v1/predict_table", load.spend_table(self._new(".csv"), self.rows, seed=0))

    def estimate(self) -> None:
        """Request expected spend for each month of a year until it is computed."""
        year = 2021 + self.number % 2
        for month in range(1, 13):
            asked = {"from": f"{year}-{month:02}", "to": f"{year}-{month:02}"}
            path = "/api/v1/spend/report/expected"
            answer = self.client.request("GET", path, params=asked)
            while answer.status_code == 202:
                time.sleep(0.2)
                answer = self.client.request("GET", path, params=asked)
            assert answer.status_code == 200, answer.text

    def relabel(self) -> None:
        self.number += 1
        segment = SEGMENTS[self.number % 3]
        body: dict[str, Any] = {"filter": {}, "segment_num": segment, "dry_run": True}
        path = "/api/v1/labels/batches"
        expected = self.client.request("POST", path, json=body).json()["changing"]
        body |= {"dry_run": False, "expected": expected}
        answer = self.client.request("POST", path, json=body)
        assert answer.status_code == 201, answer.text
        # Requesting figures starts the recount that follows the labels.
        assert self.client.request("GET", "/api/v1/spend/report/expected").status_code < 300

    def train(self) -> None:
        self._change_a_label()
        self._command("train", "--pictures", "none")

    def evaluate(self) -> None:
        self._command("evaluate")

    def activate(self) -> None:
        """Train and activate a version, which makes new predictions for all creatives."""
        self._change_a_label()
        self._command("train", "--pictures", "none", "--activate")

    def _change_a_label(self) -> None:
        """Training without new labels would do nothing."""
        self.number += 1
        path = "/api/v1/creatives?reviewed=true&page_size=1"
        [creative] = self.client.request("GET", path).json()["results"]
        body = {"creative": creative["id"], "segment_num": SEGMENTS[self.number % 3]}
        answer = self.client.request("POST", "/api/v1/labels", json=body)
        assert answer.status_code == 201, answer.text

    def _new(self, suffix: str) -> Path:
        self.number += 1
        return self.place.folder / f"{self.number}{suffix}"

    def _files(self, folder: Path) -> Path:
        """Write 100 files that are no media: they become creatives whose jobs fail at once."""
        self.number += 1
        folder.mkdir()
        for number in range(100):
            (folder / f"{self.number:04}{number:04}.wav").write_bytes(
                b"%d %d" % (self.number, number)
            )
        return folder

    def _command(self, *words: str) -> None:
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(
            command, cwd=ROOT, env=self.place.data.environ, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{words}: {done.stdout[-500:]} {done.stderr[-1500:]}"

    def _import(self, table: Path) -> None:
        with table.open("rb") as body:
            files = {"file": (table.name, body)}
            answer = self.client.request(
                "POST", "/api/v1/spend/imports", files=files, data={"mode": "add"}
            )
        assert answer.status_code < 300, answer.text

    def _post(self, path: str, file: Path) -> None:
        answer = self.client.post_file(path, file)
        assert answer.status_code < 300, answer.text


KINDS: tuple[Callable[[Work], None], ...] = (
    Work.analyse, Work.ingest, Work.watch, Work.unpack, Work.spend_import, Work.spend_export,
    Work.table, Work.estimate, Work.train, Work.evaluate, Work.activate, Work.relabel,
)  # fmt: skip


def main() -> int:
    names = [kind.__name__ for kind in KINDS]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--databases", nargs="+", choices=load.DATABASES, default=load.DATABASES)
    parser.add_argument("--kinds", nargs="+", choices=names, default=names)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--rows", type=int, default=20_000, help="of each table of spend")
    options = parser.parse_args()
    return max(_measure(database, options) for database in options.databases)


def _measure(database: str, options: argparse.Namespace) -> int:
    lines, status = [], 0
    with load.place(database) as place:
        watched = place.folder / "watched"
        watched.mkdir()
        place.data.settings |= {
            "INGEST_FOLDER": str(watched), "INGEST_QUIET_SECONDS": "0", "SWEEP_SECONDS": "1",
        }  # fmt: skip
        with running(place.data) as stack:
            work = Work(place, load.client_of(stack), options.rows)
            work.seed()
            for kind in KINDS:
                if kind.__name__ in options.kinds:
                    line, good = _measure_kind(place, work, kind, options.times)
                    print(database, *line, flush=True)
                    lines.append(line)
                    status |= not good
    print(f"\n{database}")
    print(load.table(["kind", "quiet", "with a writer", "times", "writes a second", ""], lines))
    return int(status)


def _measure_kind(
    place: load.Place, work: Work, kind: Callable[[Work], None], times: int
) -> tuple[list[str], bool]:
    quiet, beside, rates = [], [], []
    for _time in range(times):
        quiet.append(_seconds(place, work, kind))
        with foreign_writer(place) as written:
            beside.append(_seconds(place, work, kind))
            rates.append(written() / beside[-1])
    one, other = statistics.median(quiet), statistics.median(beside)
    failed = place.rows(
        "SELECT kind, error_code FROM jobs_job WHERE state NOT IN ('done', 'queued', 'running') "
        "AND error_code <> 'not_media'"
    )
    good = not failed and (other <= MOST * one or other - one < NOISE_SECONDS)
    verdict = "" if good else f"TOO LONG {failed or ''}"
    figures = [f"{one:.1f}", f"{other:.1f}", f"{other / one:.2f}", f"{min(rates):.1f}"]
    return [kind.__name__, *figures, verdict], good


def _seconds(place: load.Place, work: Work, kind: Callable[[Work], None]) -> float:
    """Return the seconds from the start of the work to the end of all its jobs."""
    began = time.monotonic()
    kind(work)
    load.wait_for_all_jobs(place.data.database_url, 600)
    return time.monotonic() - began


@contextmanager
def foreign_writer(place: load.Place) -> Iterator[Callable[[], int]]:
    """Run a process that commits to the database; yields a function that counts its commits."""
    log = place.folder / "writer.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, place.data.database_url],
            cwd=ROOT,
            stdout=output,
        )
    try:
        load.wait_until(lambda: log.stat().st_size, 30, "the other process writes")
        before = log.stat().st_size
        yield lambda: (log.stat().st_size - before) // 2
        assert process.poll() is None, "the other process ended before the measurement"
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    sys.exit(main())

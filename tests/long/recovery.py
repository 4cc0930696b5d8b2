"""How soon jobs continue after all processes were killed: ``make recovery``.

On each database the start of an idle application is timed. Then, while jobs run and wait, all its
processes (supervisor, web, workers, broker) are killed at once, and it is started again. Prints by
how many seconds the first job to end is later than an idle start. The exit status is 0 if these are
at most 30, nothing is lost and nothing is done twice.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "creativefilter.settings")
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.long import load  # noqa: E402
from tests.stack import Stack, launch, running, wait_until  # noqa: E402

MOST_SECONDS = 30.0
SPEND_ROWS = 20_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--databases", nargs="+", choices=load.DATABASES, default=load.DATABASES)
    parser.add_argument("--creatives", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=600, help="for all jobs to end")
    options = parser.parse_args()
    lines, problems = [], []
    for database in options.databases:
        line, found = _measure(database, options.creatives, options.seconds)
        lines.append([database, *line])
        problems += [f"{database}: {problem}" for problem in found]
    titles = ["database", "idle start", "first job after", "beyond start", "all jobs after"]
    print(load.table(titles, lines))
    for problem in problems:
        print(f"WRONG: {problem}")
    return int(bool(problems))


def _measure(database: str, count: int, seconds: float) -> tuple[list[str], list[str]]:
    with load.place(database) as place:
        began = time.monotonic()
        with running(place.data) as stack:
            idle = time.monotonic() - began
            _start_load(place, stack, count)
            kill_everything(stack)
        began, began_at = time.monotonic(), time.time()
        restarted = launch(place.data)
        try:
            restarted.wait_for(restarted.address)
            wait_until(lambda: _ended_since(place, began_at), 180, "a job ended")
            first = time.monotonic() - began
            load.wait_for_all_jobs(place.data.database_url, seconds)
            ended = time.monotonic() - began
        finally:
            restarted.clean_up()
        problems = problems_of(place, count)
    beyond = first - idle
    if beyond > MOST_SECONDS:
        problems.append(f"{beyond:.1f} s beyond the start until a job ended")
    return [f"{each:.1f}" for each in (idle, first, beyond, ended)], problems


def _start_load(place: load.Place, stack: Stack, count: int) -> None:
    """Queue creatives, an import and a table; wait until two jobs run."""
    client = load.client_of(stack)
    spend = load.spend_table(place.folder / "spend.csv", SPEND_ROWS, seed=1)
    assert client.post_file("/api/v1/spend/imports", spend).status_code < 300
    assert client.post_file("/api/v1/predict_table", spend).status_code < 300
    for path in load.creatives(place.folder / "creatives", count, 3, seed=1):
        assert client.post_file("/api/v1/creatives", path).status_code == 202
    state = "SELECT count(*) FROM jobs_job WHERE state = 'running'"
    wait_until(lambda: place.rows(state)[0][0] >= 2, 60, "two jobs run")


def kill_everything(stack: Stack) -> None:
    for process in stack.alive():
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    stack.process.wait()
    wait_until(lambda: not stack.alive(), 20, "no process is left")


def _ended_since(place: load.Place, when: float) -> bool:
    ended = place.rows("SELECT finished_at FROM jobs_job WHERE finished_at IS NOT NULL")
    return any(load.moment(finished) > when for [finished] in ended)


def problems_of(place: load.Place, creatives: int) -> list[str]:
    """Return a sentence for each number of rows that is not the expected one."""
    expected = {
        "jobs that are not done": ("SELECT count(*) FROM jobs_job WHERE state <> 'done'", 0),
        "creatives": ("SELECT count(*) FROM creatives_creative WHERE state = 'done'", creatives),
        "predictions": ("SELECT count(*) FROM creatives_prediction", creatives),
        "transcripts": ("SELECT count(*) FROM creatives_transcript", creatives),
        "rows of spend": ("SELECT count(*) FROM spend_spendrow", SPEND_ROWS),
        "imports": ("SELECT count(*) FROM spend_spendimport WHERE state = 'imported'", 1),
    }
    found = [(name, place.rows(query)[0][0], right) for name, (query, right) in expected.items()]
    return [f"{name}: {count} instead of {right}" for name, count, right in found if count != right]


if __name__ == "__main__":
    sys.exit(main())

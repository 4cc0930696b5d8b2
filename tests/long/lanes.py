"""Waiting times of interactive jobs beside batches: ``make lanes``.

Starts the application on each database and queues a batch of creatives, a creative of ten minutes
and an archive of thousands of files. Then for some minutes does what people do: sends creatives by
REST and by the page, has spend tables checked, and puts files into the watched folder. Prints how
long each of these waited, and when the creatives of the batch were finished. The exit status is 0
if none waited too long.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "creativefilter.settings")
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.long import load  # noqa: E402
from tests.stack import Client, Stack, running  # noqa: E402

# Most seconds until a job is claimed (upload, check) or a file becomes a creative (watched folder).
UPLOAD, CHECK, WATCHED = 2.0, 5.0, 75.0
# Most decoded creatives that may be unfinished at a time, with two processes and a long creative.
UNFINISHED = 8
ADD = "/admin/creatives/creative/add/"
PERSON_SEED, WATCHED_SEED, BATCH_SEED = 1, 2, 100


@dataclass
class Waits:
    """Waiting times in seconds by action."""

    upload: list[float] = field(default_factory=list)
    check: list[float] = field(default_factory=list)
    watched: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def main() -> int:
    options = _options()
    return max(_measure(database, options) for database in options.databases)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--databases", nargs="+", choices=load.DATABASES, default=load.DATABASES)
    parser.add_argument("--batch", type=int, default=500, help="creatives in the background")
    parser.add_argument("--minutes", type=float, default=6, help="how long people do things")
    parser.add_argument("--long", type=float, default=595, help="seconds of the long creative")
    parser.add_argument("--members", type=int, default=9000, help="files of the archive")
    return parser.parse_args()


def _measure(database: str, options: argparse.Namespace) -> int:
    with load.place(database) as place:
        watched = place.folder / "watched"
        watched.mkdir()
        place.data.settings["INGEST_FOLDER"] = str(watched)
        with running(place.data) as stack:
            client = load.client_of(stack)
            _queue_the_batch(place, stack, client, options)
            waits = _act_as_people(place, stack, client, watched, options.minutes * 60)
        print(
            f"\n{database}: {options.batch} creatives, a long one, {options.members} packed files"
        )
        return _print_waits(waits) | _print_finishing_times(place) | _print_failures(place)


def _queue_the_batch(
    place: load.Place, stack: Stack, client: Client, options: argparse.Namespace
) -> None:
    archive = place.folder / "endless.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for number in range(options.members):
            packed.writestr(f"{number}.wav", b"no media, only bytes %d" % number)
    answer = load.post_form(load.pages_of(stack), stack.address + ADD, {}, archive)
    assert answer.ok, answer.text
    long = load.long_creative(place.folder / "40000000.wav", options.long)
    assert client.post_file("/api/v1/creatives", long).status_code == 202
    made = load.creatives(place.folder / "batch", options.batch, 3, BATCH_SEED)
    command = [sys.executable, "manage.py", "ingest", str(made[0].parent)]
    subprocess.run(command, cwd=ROOT, env=place.data.environ, check=True, stdout=subprocess.DEVNULL)


def _act_as_people(
    place: load.Place, stack: Stack, client: Client, watched: Path, seconds: float
) -> Waits:
    """Upload, check and drop files for so many seconds, each in its own thread."""
    waits, until = Waits(), time.monotonic() + seconds
    pages = load.pages_of(stack)
    files = load.creatives(place.folder / "people", 1 + int(seconds / 15), 3, PERSON_SEED)
    dropped = load.creatives(place.folder / "dropped", 1 + int(seconds / 60), 3, WATCHED_SEED)

    def upload(number: int) -> None:
        """Upload a creative, alternately by REST and by the page."""
        file = files[number]
        if number % 2:
            assert client.post_file("/api/v1/creatives", file).status_code == 202
        else:
            assert load.post_form(pages, stack.address + ADD, {}, file).ok
        job = f"(SELECT job_id FROM creatives_creative WHERE advertisement_id = '{file.stem}')"
        waits.upload.append(_seconds_until_claimed(place, job))

    def check(number: int) -> None:
        table = load.spend_table(place.folder / f"{number}.csv", 2_000 + number, number)
        data = {"dry_run": "true"}
        with table.open("rb") as body:
            files = {"file": (table.name, body)}
            answer = client.request("POST", "/api/v1/spend/imports", files=files, data=data)
        assert answer.status_code < 300, answer.text
        job = f"(SELECT job_id FROM spend_spendimport WHERE id = {answer.json()['id']})"
        waits.check.append(_seconds_until_claimed(place, job))

    def drop(number: int) -> None:
        file = dropped[number]
        began = time.monotonic()
        (watched / file.name).write_bytes(file.read_bytes())
        query = f"SELECT count(*) FROM creatives_creative WHERE advertisement_id = '{file.stem}'"
        while not place.rows(query)[0][0]:
            time.sleep(0.2)
            assert time.monotonic() - began < 4 * WATCHED, f"{file.name} did not appear"
        waits.watched.append(time.monotonic() - began)

    threads = [
        threading.Thread(target=_repeatedly, args=(what, pause, until, waits.problems))
        for what, pause in ((upload, 15.0), (check, 20.0), (drop, 60.0))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return waits


def _repeatedly(
    what: Callable[[int], None], pause: float, until: float, problems: list[str]
) -> None:
    number, next_at = 0, time.monotonic()
    while time.monotonic() < until:
        try:
            what(number)
        except Exception as error:
            problems.append(repr(error))
            return
        number, next_at = number + 1, next_at + pause
        time.sleep(max(0.0, min(next_at, until) - time.monotonic()))


def _seconds_until_claimed(place: load.Place, job: str) -> float:
    """Wait until a job is claimed; return the seconds since it was created.

    Args:
        place: The application's place.
        job: SQL expression for the job's id.
    """
    query = f"SELECT created_at, started_at FROM jobs_job WHERE id = {job}"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        [(created, started)] = place.rows(query)
        if started:
            return load.moment(started) - load.moment(created)
        time.sleep(0.2)
    raise AssertionError("the job was not claimed within 120 s")


def _print_waits(waits: Waits) -> int:
    lines, status = [], bool(waits.problems)
    for name, found, most in (
        ("the job of an upload starts", waits.upload, UPLOAD),
        ("the job of a spend check starts", waits.check, CHECK),
        ("a watched file is a creative", waits.watched, WATCHED),
    ):
        good = bool(found) and max(found) <= most
        status |= not good
        median, worst = (statistics.median(found), max(found)) if found else (0.0, 0.0)
        lines.append([name, len(found), f"{median:.2f}", f"{worst:.2f}", most, _verdict(good)])
    print(load.table(["seconds until", "times", "median", "worst", "at most", ""], lines))
    for problem in waits.problems:
        print(f"WRONG: {problem}")
    return int(status)


def _print_finishing_times(place: load.Place) -> int:
    """Print when the batch's creatives were finished, and how many were unfinished at a time.

    Returns:
        The exit status: 1 if none is finished, or if more than ``UNFINISHED`` were decoded and not
        finished at one time.
    """
    first = load.FIRST_ID + 10_000 * BATCH_SEED
    found = place.rows(
        "SELECT job.created_at, job.finished_at, job.timings FROM jobs_job job "
        "JOIN creatives_creative creative ON creative.job_id = job.id WHERE "
        f"creative.advertisement_id BETWEEN '{first}' AND '{first + 9999}'"
    )
    queued = min(load.moment(created) for created, *_ in found)
    decoded_at = [_first_stage(timings) for *_, timings in found if timings not in ([], "[]")]
    finished = sorted(load.moment(end) - queued for _created, end, _timings in found if end)
    print(f"\nof {len(found)} creatives of the batch {len(decoded_at)} were decoded, "
          f"{len(finished)} finished; seconds after the first was queued:")  # fmt: skip
    for number in (1, 10, 25, 50, 100, 200, 300, 400, 500):
        if number <= len(finished):
            print(f"  {number:>4}. finished at {finished[number - 1]:7.1f}")
    if not finished:
        print("TOO LATE: none is finished")
        return 1
    last = max(decoded_at) - queued
    before = sum(end <= last for end in finished)
    most = _most_unfinished([moment - queued for moment in decoded_at], finished)
    good = most <= UNFINISHED
    print(f"  the last first stage ended at {last:.1f}; {before} were finished by then")
    print(f"  decoded and not finished at one time: {most}, limit {UNFINISHED} {_verdict(good)}")
    return int(not good)


def _first_stage(timings: object) -> float:
    entries = json.loads(timings) if isinstance(timings, str) else timings
    assert isinstance(entries, list)
    return load.moment(entries[0]["started"]) + float(entries[0]["seconds"])


def _most_unfinished(decoded_at: Sequence[float], finished: Sequence[float]) -> int:
    open_now = most = 0
    for _moment, change in sorted([(at, 1) for at in decoded_at] + [(at, -1) for at in finished]):
        open_now += change
        most = max(most, open_now)
    return most


def _print_failures(place: load.Place) -> int:
    """Print the jobs by kind, state and error code.

    Returns:
        The exit status: 1 if a job failed with another code than ``not_media``, which is that of
        the archive's files.
    """
    found = place.rows(
        "SELECT kind, state, error_code, count(*), max(attempts) FROM jobs_job "
        "GROUP BY kind, state, error_code ORDER BY kind, state"
    )
    print("\n" + load.table(["kind", "state", "code", "jobs", "attempts"], found))
    wrong = {code for _kind, state, code, *_ in found if state == "failed"} - {"not_media"}
    if wrong:
        print(f"WRONG: {', '.join(sorted(wrong))}")
    return int(bool(wrong))


def _verdict(good: bool) -> str:
    return "" if good else "TOO MANY"


if __name__ == "__main__":
    sys.exit(main())

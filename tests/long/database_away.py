"""Outage of PostgreSQL under load: ``make database-away SECONDS=60``.

The application's PostgreSQL server is killed under load (creatives, an import, an export, a table;
clients that poll, send creatives and label in bulk) and started again after so many seconds. Prints
when each kind of job continued, and the responses of the web processes meanwhile. The exit status
is 0 if every job continued within 15 s, nothing is lost or done twice, no attempt was counted,
every server error was a 503 with Retry-After, and the audit log has an entry for every label batch.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "creativefilter.settings")
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.long import load  # noqa: E402
from tests.stack import Client, NotInTimeError, Stack, running, wait_until  # noqa: E402

MOST_SECONDS = 15.0
SPEND_ROWS = 40_000
FIRST_SEED, MORE_SEED = 1, 2


@dataclass
class Answers:
    """Responses to the clients over the whole run."""

    statuses: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    batches: int = 0
    sent: int = 0

    def note(self, what: str, answer: requests.Response) -> None:
        self.statuses[f"{what} {answer.status_code}"] += 1
        self.slowest = max(self.slowest, answer.elapsed.total_seconds())
        if answer.status_code == 503 and "Retry-After" not in answer.headers:
            self.problems[f"{what}: 503 without Retry-After"] += 1
        elif answer.status_code >= 400 and answer.status_code != 503:
            self.problems[f"{what}: {answer.status_code}"] += 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--creatives", type=int, default=20)
    parser.add_argument("--limit", type=float, default=420, help="seconds for all jobs to end")
    options = parser.parse_args()
    with load.place("postgresql") as place, running(place.data) as stack:
        problems = _measure(place, stack, options)
    for problem in problems:
        print(f"WRONG: {problem}")
    return int(bool(problems))


def _measure(place: load.Place, stack: Stack, options: argparse.Namespace) -> list[str]:
    assert place.server is not None
    client, answers, stop_event = load.client_of(stack), Answers(), threading.Event()
    sent = _start_jobs(place, client, options.creatives)
    threads = _start_clients(place, stack, client, answers, stop_event)
    # Let some of the queued jobs start.
    time.sleep(4)
    before = _jobs(place)
    place.server.crash()
    time.sleep(options.seconds)
    restarted = place.server.start_again()
    try:
        returned, returned_at = time.monotonic(), time.time()
        problems = _wait_until_resumed(place, before, returned, returned_at)
        time.sleep(5)
        stop_event.set()
        for thread in threads:
            thread.join()
        try:
            load.wait_for_all_jobs(place.data.database_url, options.limit)
        except NotInTimeError as error:
            problems.append(str(error))
        else:
            print(f"all jobs had ended {time.monotonic() - returned:.1f} s after its return")
        return problems + _problems_of_outcome(place, answers, sent + answers.sent)
    finally:
        stack.clean_up()
        restarted.stop()


def _start_jobs(place: load.Place, client: Client, count: int) -> int:
    """Queue an import, an export, a table and creatives; return the number of creatives."""
    first = load.spend_table(place.folder / "first.csv", SPEND_ROWS, seed=1)
    _assert_accepted(client.post_file("/api/v1/spend/imports", first))
    load.wait_for_all_jobs(place.data.database_url, 180)
    second = load.spend_table(place.folder / "second.csv", SPEND_ROWS, seed=50)
    with second.open("rb") as body:
        files = {"file": (second.name, body)}
        _assert_accepted(
            client.request("POST", "/api/v1/spend/imports", files=files, data={"mode": "add"})
        )
    _assert_accepted(
        client.request("POST", "/api/v1/exports", json={"kind": "creatives", "format": "xlsx"})
    )
    _assert_accepted(client.post_file("/api/v1/predict_table", first))
    for path in load.creatives(place.folder / "creatives", count, 3, FIRST_SEED):
        _assert_accepted(client.post_file("/api/v1/creatives", path))
    return count


def _assert_accepted(answer: requests.Response) -> None:
    assert answer.status_code < 300, f"{answer.url}: {answer.status_code} {answer.text[:300]}"


def _start_clients(
    place: load.Place, stack: Stack, client: Client, answers: Answers, stop_event: threading.Event
) -> list[threading.Thread]:
    """Start clients that repeat their requests whatever the responses are."""
    more = iter(load.creatives(place.folder / "more", 200, 3, MORE_SEED))
    pages = load.pages_of(stack)
    known = [path.stem for path in (place.folder / "creatives").iterdir()]

    def poll() -> None:
        answers.note("poll", client.request("GET", "/api/v1/jobs"))

    def page() -> None:
        address = f"{stack.address}/admin/creatives/creative/"
        answers.note("page", pages.get(address, timeout=60))

    def send() -> None:
        answer = client.post_file("/api/v1/creatives", path := next(more))
        answers.note("upload", answer)
        while answer.status_code == 503 and not stop_event.is_set():
            time.sleep(1)
            answer = client.post_file("/api/v1/creatives", path)
            answers.note("upload", answer)
        answers.sent += answer.status_code == 202

    def label() -> None:
        key, segment = str(uuid.uuid4()), answers.batches % 5
        body = {"advertisement_ids": known, "segment_num": segment}
        headers = {"Idempotency-Key": key, "Authorization": f"Token {client.token}"}
        answer = requests.post(
            f"{stack.address}/api/v1/labels/batches", json=body, headers=headers, timeout=60
        )
        answers.note("relabel", answer)
        answers.batches += answer.status_code == 201

    pauses: list[tuple[Callable[[], None], float]] = [(poll, 0.5), (page, 1), (send, 4), (label, 1)]
    threads = [
        threading.Thread(target=_repeat, args=(what, pause, answers, stop_event))
        for what, pause in pauses
    ]
    for thread in threads:
        thread.start()
    return threads


def _repeat(
    what: Callable[[], None], pause: float, answers: Answers, stop_event: threading.Event
) -> None:
    while not stop_event.wait(pause):
        try:
            what()
        except Exception as error:
            answers.problems[f"{what.__name__}: {error!r}"[:200]] += 1


def _jobs(place: load.Place) -> dict[str, tuple[Any, ...]]:
    """Return kind, state, stage, progress, attempts and lease of each open job by its id."""
    found = place.rows(
        "SELECT id, kind, state, stage, progress, attempts, lease_until FROM jobs_job "
        "WHERE state IN ('queued', 'running')"
    )
    return {str(key): tuple(rest) for key, *rest in found}


def _wait_until_resumed(
    place: load.Place, before: dict[str, tuple[Any, ...]], returned: float, returned_at: float
) -> list[str]:
    """Wait until each job that ran before the outage continues, and until a job ends.

    A job continues if it has ended, has moved on, is queued again or has a renewed lease.

    Args:
        place: The application's place.
        before: The open jobs before the outage.
        returned: When the server was back, by ``time.monotonic``.
        returned_at: The same by ``time.time``.

    Returns:
        Sentences about jobs that did not continue in time.
    """
    waiting = {key for key, (_kind, state, *_) in before.items() if state == "running"}
    kinds = Counter(before[key][0] for key in waiting)
    lines, late = [], []

    def all_resumed() -> bool:
        now = _jobs(place)
        for key in sorted(waiting):
            row = now.get(key)
            held = row and row[1] == "running" and row[5] and load.moment(row[5]) > returned_at + 28
            if row is None or held or row[1] == "queued" or row[2:4] != before[key][2:4]:
                waiting.discard(key)
                how = "queued again" if row and row[1] == "queued" else "goes on"
                seconds = f"{time.monotonic() - returned:.1f}"
                lines.append([before[key][0], before[key][2], how, seconds])
        return not waiting

    try:
        wait_until(all_resumed, MOST_SECONDS, "what ran goes on")
    except NotInTimeError:
        late = [f"{before[key][0]} did not go on within {MOST_SECONDS:.0f} s" for key in waiting]
    print(f"running at the crash: {dict(kinds)}; queued: {len(before) - kinds.total()}")
    print(load.table(["kind", "stage", "", "after"], lines))
    ended = "SELECT min(finished_at) FROM jobs_job WHERE finished_at > to_timestamp(%f)"
    try:
        wait_until(lambda: place.rows(ended % returned_at)[0][0], 60, "a job ended")
        [[first]] = place.rows(ended % returned_at)
        seconds = f"{load.moment(first) - returned_at:.1f}"
        print(f"the first job ended {seconds} s after the server was back")
    except NotInTimeError as error:
        late.append(str(error))
    return late


def _problems_of_outcome(place: load.Place, answers: Answers, creatives: int) -> list[str]:
    print("answers: " + ", ".join(f"{k} × {n}" for k, n in sorted(answers.statuses.items())))
    print(f"the slowest answer took {answers.slowest:.1f} s")
    problems = [f"{what} × {count}" for what, count in answers.problems.items()]
    attempts = place.rows("SELECT kind, state, error_code, timings FROM jobs_job")
    spent: Counter[str] = Counter()
    for kind, state, code, timings in attempts:
        if state != "done":
            problems.append(f"{kind} {state}: {code}")
        entries = json.loads(timings) if isinstance(timings, str) else timings
        for entry in entries:
            if entry["attempts"] > 1:
                spent[f"{kind}, {entry['stage']}: {entry['attempts']} attempts"] += 1
    problems += [f"{what} × {count}" for what, count in spent.items()]
    expected = {
        "creatives": ("SELECT count(*) FROM creatives_creative WHERE state = 'done'", creatives),
        "predictions": ("SELECT count(*) FROM creatives_prediction", creatives),
        "rows of spend": ("SELECT count(*) FROM spend_spendrow", 2 * SPEND_ROWS),
        "batches of labels": ("SELECT count(*) FROM creatives_labelbatch", answers.batches),
        "audited batches": (
            "SELECT count(*) FROM accounts_auditentry WHERE action = 'labels_set'",
            answers.batches,
        ),
    }
    for name, (query, right) in expected.items():
        [[count]] = place.rows(query)
        if count != right:
            problems.append(f"{name}: {count} instead of {right}")
    return problems


if __name__ == "__main__":
    sys.exit(main())

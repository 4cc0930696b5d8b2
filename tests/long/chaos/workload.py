"""Actions of people and programs during the faults; each repeats its requests until they succeed.

A request without an answer, or with 409, 429, 503 or 507, is sent again with the same
Idempotency-Key, as the API asks its clients to do. Any other error status is a problem.
"""

from __future__ import annotations

import collections
import os
import re
import subprocess
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests

from tests.long.chaos.material import SEGMENTS, Material
from tests.long.chaos.site import Site

RETRIED_STATUSES = (409, 429, 503, 507)
FINAL = ("done", "failed", "cancelled")
PAUSE_SECONDS = 0.7
TIMEOUT_SECONDS = 20


class Workload:
    """The actions of one run, each in a thread of its own.

    Args:
        site: The site.
        token: An access token of an administrator.
        material: The files to send.
        seconds: How long the actions try: an action that is not done by then is stuck.
    """

    def __init__(self, site: Site, token: str, material: Material, seconds: float) -> None:
        self.site, self.token, self.material = site, token, material
        self.deadline = time.monotonic() + seconds
        self.problems: list[str] = []
        self.answers: collections.Counter[str] = collections.Counter()
        uploads = material.creatives[material.archived :]
        third = len(uploads) // 3
        self._posted, self._dropped = uploads[third:], uploads[:third]
        self.actions: dict[str, Callable[[], None]] = {
            "uploads by REST": lambda: self._upload(self._posted[::2]),
            "more uploads by REST": lambda: self._upload(self._posted[1::2]),
            "watched folder": self._drop,
            "archive on the page": self._send_archive,
            "spend, export": self._bring_spend,
            "labels, training": self._label_and_train,
            "segment for many": self._set_segments,
            "table": self._fill_table,
        }
        self._threads = {
            name: threading.Thread(target=self._run_action, args=(name, action), daemon=True)
            for name, action in self.actions.items()
        }

    def start(self) -> None:
        for thread in self._threads.values():
            thread.start()

    @property
    def going_on(self) -> list[str]:
        return [name for name, thread in self._threads.items() if thread.is_alive()]

    @property
    def given_up(self) -> bool:
        return time.monotonic() > self.deadline

    def _run_action(self, name: str, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception:
            self.problems.append(f"{name}: {traceback.format_exc(limit=-3)}")

    # Requests

    def ask(self, method: str, path: str, *, new: bool = False, **arguments: Any) -> Any:
        """Send a request to the API until it succeeds; return the response.

        Args:
            method: HTTP method.
            path: Path of the site, or a whole address.
            new: Whether to send an Idempotency-Key, for requests that create something.
            arguments: Arguments of ``requests.request``.

        Raises:
            AssertionError: An error status that clients don't repeat.
            TimeoutError: No success before the deadline.
        """
        headers = {"Authorization": f"Token {self.token}", "Accept-Language": "en"}
        if new:
            headers["Idempotency-Key"] = str(uuid.uuid4())
        files = arguments.pop("files", None)

        def send() -> requests.Response:
            if files:
                arguments["files"] = {name: path.open("rb") for name, path in files.items()}
            url = path if path.startswith("http") else self.site.address + path
            return requests.request(
                method, url, headers=headers, timeout=TIMEOUT_SECONDS, **arguments
            )

        return self._until_answered(send, f"{method} {path}")

    def _until_answered(self, send: Callable[[], requests.Response], what: str) -> Any:
        while not self.given_up:
            try:
                answer = send()
            except requests.RequestException as error:
                self.answers[type(error).__name__] += 1
            else:
                self.answers[str(answer.status_code)] += 1
                if answer.status_code < 400:
                    return answer
                if answer.status_code not in RETRIED_STATUSES:
                    raise AssertionError(f"{what}: {answer.status_code} {answer.text[:300]}")
            time.sleep(PAUSE_SECONDS)
        raise TimeoutError(f"no answer in time: {what}")

    def ended(self, job: str) -> dict[str, Any]:
        """Poll the job at this address until it is final; return it."""
        while not self.given_up:
            found: dict[str, Any] = self.ask("GET", job).json()
            if found["state"] in FINAL:
                return found
            time.sleep(PAUSE_SECONDS)
        raise TimeoutError(f"not ended in time: {job}")

    def done(self, job: str) -> dict[str, Any]:
        """Wait until the job at this address is done, retrying it whenever it fails; return it."""
        while (found := self.ended(job))["state"] != "done":
            self.answers[f"job failed: {(found['error'] or {}).get('code')}"] += 1
            time.sleep(PAUSE_SECONDS)
            self.ask("POST", f"/api/v1/jobs/{found['id']}/retry")
        return found

    # Actions

    def _upload(self, files: list[Path]) -> None:
        for path in files:
            self.ask("POST", "/api/v1/predict", new=True, files={"file": path})

    def _drop(self) -> None:
        for path in self._dropped:
            aside = self.site.watched_folder / f".{path.name}.part"
            aside.write_bytes(path.read_bytes())
            aside.rename(self.site.watched_folder / path.name)
            time.sleep(1)

    def _send_archive(self) -> None:
        """Send the archive by the upload page; sending it again stores nothing twice."""
        page = self.site.address + "/admin/creatives/creative/add/"

        def send() -> requests.Response:
            session = requests.Session()
            session.headers["Accept-Language"] = "en"
            login = self.site.address + "/admin/login/"
            hidden = _hidden(session.get(login, timeout=TIMEOUT_SECONDS))
            who = {"username": "chaos", "password": self.token[:20]}
            answer = session.post(login, data=hidden | who, timeout=TIMEOUT_SECONDS)
            if answer.status_code >= 400:
                return answer
            form = session.get(page, timeout=TIMEOUT_SECONDS)
            if form.status_code >= 400:
                return form
            with self.material.archive.open("rb") as file:
                answer = session.post(
                    page, data=_hidden(form), files={"files": file}, timeout=TIMEOUT_SECONDS
                )
            if answer.ok and "unpacked" not in answer.text:
                # The page was shown again with the reason of a refusal: try again.
                answer.status_code = 503
            return answer

        self._until_answered(send, "the page for uploads")

    def _bring_spend(self) -> None:
        files = {"file": self.material.spend}
        answer = self.ask(
            "POST", "/api/v1/spend/imports", new=True, files=files, data={"mode": "add"}
        )
        self.done(answer.json()["job"]["url"])
        body = {"kind": "creatives", "format": "csv"}
        export = self.ask("POST", "/api/v1/exports", new=True, json=body).json()
        self.done(f"/api/v1/jobs/{export['id']}")
        export = self.ask("GET", f"/api/v1/exports/{export['id']}").json()
        lines = self.ask("GET", export["download_url"]).content.decode("utf-8-sig").splitlines()
        self._check_export(lines)

    def _check_export(self, lines: list[str]) -> None:
        import csv

        rows = list(csv.DictReader(lines))
        amount = sum(Decimal(row["Spend, RUB"]) for row in rows)
        ids = {row["Advertisement ID"] for row in rows}
        if (amount, ids) != (self.material.spend_amount, self.material.spend_ids):
            self.problems.append(
                f"export: {len(ids)} ids, {amount} RUB instead of "
                f"{len(self.material.spend_ids)} ids, {self.material.spend_amount} RUB"
            )

    def _fill_table(self) -> None:
        time.sleep(10)
        files = {"file": self.material.table}
        table = self.ask("POST", "/api/v1/predict_table", new=True, files=files).json()
        self.done(f"/api/v1/jobs/{table['job']['id']}")
        file = self.ask("GET", f"/api/v1/predict_table/{table['id']}/file").text
        rows = file.strip().splitlines()
        if len(rows) != len(self.material.creatives) + 2:
            self.problems.append(f"table: {len(rows)} lines")

    def _set_segments(self) -> None:
        """Set a segment for each half of the uploaded creatives once all of them exist."""
        ids = sorted(self.material.ids)[self.material.archived :]
        for segment, half in zip(SEGMENTS, (ids[::2], ids[1::2]), strict=True):
            while not self.given_up:
                body = {"segment_num": segment, "advertisement_ids": half}
                trial = body | {"dry_run": True}
                preview = self.ask("POST", "/api/v1/labels/batches", json=trial).json()
                if not preview["unknown_advertisement_ids"]:
                    break
                time.sleep(2)
            self.ask("POST", "/api/v1/labels/batches", new=True, json=body)

    def _label_and_train(self) -> None:
        """Run an administrator's commands; repeat those that fail or are killed."""
        self._command("import_transcripts", str(self.material.transcripts))
        self._command("import_labels", str(self.material.labels))
        self._command("train", "--pictures", "none", first_killed_after=4.0)

    def _command(self, *arguments: str, first_killed_after: float | None = None) -> None:
        output = ""
        while not self.given_up:
            process = subprocess.Popen(
                [str(word) for word in self.site.command(*arguments)],
                env={**os.environ, **self.site.environ},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            try:
                output, _nothing = process.communicate(timeout=first_killed_after or 120)
            except subprocess.TimeoutExpired:
                process.kill()
                output, _nothing = process.communicate()
                first_killed_after = None
            if process.returncode == 0:
                return
            self.answers[f"{arguments[0]}: exit status {process.returncode}"] += 1
            if "Traceback" in output:
                self.problems.append(f"{arguments[0]}: {output[-1500:]}")
            time.sleep(2)
        raise TimeoutError(f"not done in time: {arguments[0]}: {output}")


def _hidden(page: requests.Response) -> dict[str, str]:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    return {"csrfmiddlewaretoken": found[1]} if found else {}

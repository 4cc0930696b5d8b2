"""One run: a site, its work, its faults and the checks at the end. See ``__main__``."""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.long.chaos import faults

ROOT = Path(__file__).resolve().parents[3]
TICK_SECONDS = 0.2
# How long a fault waits for its victim: processes start slowly on a busy machine.
VICTIM_SECONDS = 120
# How long a run may take in addition to its faults and 8 s per creative.
PATIENCE_SECONDS = 420


def main() -> int:
    """Do a run; print its outcome as JSON in the last line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("site", choices=["embedded", "postgresql"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--creatives", type=int, default=40)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    print(json.dumps(outcome(options), ensure_ascii=False))
    return 0


def outcome(options: argparse.Namespace) -> dict[str, Any]:
    began = time.monotonic()
    site = _site(options.site, options.folder)
    try:
        token = _prepare(site)
        run = Run(site, token, options)
        site.start()
        run.play()
        run.settle()
        problems = run.found()
    finally:
        site.stop()
        site.remove()
    return {
        "site": options.site,
        "seed": options.seed,
        "creatives": options.creatives,
        "problems": problems,
        "faults": run.done,
        "answers": dict(run.workload.answers),
        "failed_jobs": run.failed,
        "seconds": round(time.monotonic() - began),
    }


def _site(kind: str, folder: Path) -> Any:
    from tests.long.chaos.site import Embedded, Production

    return (Embedded if kind == "embedded" else Production)(folder)


def _prepare(site: Any) -> str:
    """Create the database and set up Django in this process; return an access token."""
    url = getattr(site, "outside_url", site.database_url)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "creativefilter.settings",
        "DATA_DIR": str(site.data),
        "DATABASE_URL": url,
        "ENV_FILE": "",
        "REDIS_URL": "",
    }
    token: str = site.prepare()
    import django

    django.setup()
    from django.contrib.auth.models import User

    User.objects.create_superuser("chaos", password=token[:20])
    return token


class Run:
    """The faults of a seed, injected one after another while the workload runs."""

    def __init__(self, site: Any, token: str, options: argparse.Namespace) -> None:
        from tests.long.chaos import faults, material, workload

        self.site = site
        self.plan = faults.plan(site.kind, options.seed, options.rounds)
        self.chance = random.Random(options.seed)
        lasting = sum(each.pause + each.seconds for each in self.plan)
        folder = options.folder / "material"
        folder.mkdir()
        self.material = material.make(folder, options.seed, options.creatives, options.rows)
        patience = PATIENCE_SECONDS + lasting + 8 * options.creatives
        self.workload = workload.Workload(site, token, self.material, patience)
        self.done: list[dict[str, Any]] = []
        self.harm: list[tuple[datetime, datetime, tuple[str, ...]]] = []
        self.failed: dict[str, int] = {}

    def play(self) -> None:
        """Start the workload and inject the planned faults."""
        self.workload.start()
        for each in self.plan:
            self._wait(each.pause)
            started_at, started = datetime.now(UTC), time.monotonic()
            what = self._begin(each.fault)
            self._wait(each.seconds)
            each.fault.end(self.site)
            if not what.startswith("left out"):
                self.harm.append((started_at, datetime.now(UTC), each.fault.codes))
            seconds = round(time.monotonic() - started, 1)
            self.done.append({"fault": each.fault.name, "what": what, "seconds": seconds})
            print(f"{each.fault.name}: {what}", file=sys.stderr, flush=True)

    def _begin(self, fault: faults.Fault) -> str:
        """Begin a fault, waiting for processes that are restarting; return what was hit."""
        until = time.monotonic() + VICTIM_SECONDS
        while True:
            try:
                return fault.begin(self.site, self.chance)
            except LookupError as error:
                if time.monotonic() > until:
                    return f"left out: {error}"
            self._wait(0.5)

    def settle(self) -> None:
        """Wait until all work has ended; then retry failed creatives once, as an analyst would."""
        self._until_idle()
        self._count_failures()
        if self.workload.given_up:
            return
        answer = self.workload.ask("POST", "/api/v1/creatives/retry_failed", json={"dry_run": True})
        if count := answer.json()["queued"]:
            self.workload.ask("POST", "/api/v1/creatives/retry_failed", json={"expected": count})
            self._until_idle()

    def _until_idle(self) -> None:
        from django.db import OperationalError, connections

        from creativefilter.jobs.models import Job

        idle_seconds, waited_for = 0, [""]
        while idle_seconds < 5 and not self.workload.given_up:
            self._wait(1)
            connections.close_all()  # the server may have been killed since
            if waited_for != (waited_for := self.workload.going_on):
                print("waiting for", waited_for, file=sys.stderr, flush=True)
            try:
                open_jobs = Job.objects.exclude(state__in=Job.FINAL).exists()
                busy = open_jobs or self.workload.going_on or self._waits_in_folder()
            except OperationalError:  # the server that was killed is not back yet
                busy = True
            idle_seconds = 0 if busy else idle_seconds + 1

    def _waits_in_folder(self) -> bool:
        from creativefilter.creatives.models import Creative

        names = {path.stem for path in self.site.watched_folder.glob("*.wav")}
        return Creative.objects.filter(advertisement_id__in=names).count() < len(names)

    def _count_failures(self) -> None:
        from collections import Counter

        from creativefilter.jobs.models import Job
        from tests.long.chaos import checks

        failed = Job.objects.filter(state=Job.State.FAILED)
        self.failed = dict(Counter(failed.values_list("error_code", flat=True)))
        self._untrue = checks.reasons(self.harm)

    def found(self) -> list[str]:
        from tests.long.chaos import checks

        problems = [f"not done in time: {name}" for name in self.workload.going_on]
        problems += self._never_injected()
        problems += self.workload.problems + self._untrue + checks.stuck()
        return problems + checks.check(self.site, self.material)

    def _never_injected(self) -> list[str]:
        kinds = {each.fault.name for each in self.plan}
        injected = {one["fault"] for one in self.done if not one["what"].startswith("left out")}
        return [f"never injected: {name}" for name in sorted(kinds - injected)]

    def _wait(self, seconds: float) -> None:
        """Wait for so many seconds; restart services that died meanwhile."""
        until = time.monotonic() + seconds
        while True:
            self.site.watch()
            if time.monotonic() >= until:
                return
            time.sleep(TICK_SECONDS)


if __name__ == "__main__":
    sys.exit(main())

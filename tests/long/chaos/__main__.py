"""``make chaos``: inject faults into a running site and check that no work is lost or done twice.

    python -m tests.long.chaos --seeds 1-20 --site both

A run gives a site some work (creatives by REST, by the watched folder and in an archive; spend, an
export, a table, label batches, a training) and meanwhile injects every fault of ``faults.py``, in
an order given by its seed. In the end every job must have ended, failed jobs with an error code
that a fault explains; nothing may be lost or exist twice.

Each run appends a line to the file of results. Runs of the current commit without problems are not
repeated. Needs root, for mounts and network namespaces, and Debian's packages iproute2, util-linux,
faketime and gcc.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
SITES = ("embedded", "postgresql")


def main() -> int:
    options = _options()
    results = Results(options.results)
    if options.table:
        print(results.table())
        return 0
    commit = _commit()
    bad = 0
    for seed in options.seeds:
        for site in options.sites:
            key = (commit, site, seed, options.creatives, options.rows, options.rounds)
            # With "+" the commit stands for any modified tree.
            if not (options.again or commit.endswith("+")) and results.is_good(key):
                print(f"{site}, seed {seed}: done before, nothing found")
                continue
            size = {"rows": options.rows, "rounds": options.rounds}
            one = _run(site, seed, options) | {"commit": commit} | size
            results.append(one)
            bad += bool(one["problems"])
            print(_summary(one), flush=True)
    return int(bool(bad))


def _run(site: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Do a run in a process of its own, since Django can be set up only once per process."""
    folder = Path(tempfile.mkdtemp(prefix=f"chaos-{site}-{seed}-"))
    folder.chmod(0o755)  # PostgreSQL runs under another account
    command = [
        sys.executable, "-m", "tests.long.chaos.run", site, str(folder),
        "--seed", str(seed), "--creatives", str(options.creatives),
        "--rows", str(options.rows), "--rounds", str(options.rounds),
    ]  # fmt: skip
    with (folder / "harness.log").open("wb") as log:
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE, stderr=log, check=False,
        )  # fmt: skip
    lines = done.stdout.decode().strip().splitlines()
    if done.returncode or not lines:
        reason = f"the harness failed, see {folder}"
        return {"site": site, "seed": seed, "creatives": options.creatives, "problems": [reason],
                "faults": [], "answers": {}, "failed_jobs": {}, "seconds": 0,
                "folder": str(folder)}  # fmt: skip
    found: dict[str, Any] = json.loads(lines[-1])
    if found["problems"]:
        found["folder"] = str(folder)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return found


def _summary(one: dict[str, Any]) -> str:
    lines = [
        f"{one['site']}, seed {one['seed']}: {len(one['faults'])} faults, {one['seconds']} s, "
        f"answers {one['answers']}, failed and tried again {one['failed_jobs']}: "
        + (
            f"{len(one['problems'])} PROBLEMS, see {one.get('folder')}"
            if one["problems"]
            else "good"
        )
    ]
    return "\n    ".join(lines + one["problems"][:20])


def _commit() -> str:
    """Return the current commit, with a "+" if files differ from it."""
    git = ["git", "-C", str(ROOT)]
    commit = subprocess.run(
        [*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    changed = subprocess.run([*git, "diff", "--quiet", "HEAD"], check=False).returncode
    return commit + ("+" if changed else "")


class Results:
    """File of results: one line of JSON per run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text("utf-8").splitlines()]

    def append(self, one: dict[str, Any]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(one, ensure_ascii=False) + "\n")

    def is_good(self, key: tuple[str | int, ...]) -> bool:
        """Whether a run of this commit, site, seed, creatives, rows and rounds found nothing."""
        names = ("commit", "site", "seed", "creatives", "rows", "rounds")
        return any(
            tuple(one.get(name) for name in names) == key and not one["problems"]
            for one in self.read()
        )

    def table(self) -> str:
        """Return a Markdown table: injections of each fault by site, and those in bad runs."""
        rows: dict[str, dict[str, list[int]]] = defaultdict(lambda: {s: [0, 0] for s in SITES})
        for one in self.read():
            for fault in one["faults"]:
                if not fault["what"].startswith("left out"):
                    rows[fault["fault"]][one["site"]][0] += 1
                    rows[fault["fault"]][one["site"]][1] += bool(one["problems"])
        lines = ["| fault | embedded: times, in runs with findings | PostgreSQL |", "|---|---|---|"]
        for name, by_site in sorted(rows.items()):
            cells = [f"{times}, {bad}" if times else "—" for times, bad in by_site.values()]
            lines.append(f"| {name} | {' | '.join(cells)} |")
        return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=_seeds, default=[1], help="a number or a range: 1-20")
    parser.add_argument("--site", dest="sites", type=_sites, default=SITES, help="or both")
    parser.add_argument("--creatives", type=int, default=40)
    parser.add_argument("--rows", type=int, default=20_000, help="of spend")
    parser.add_argument("--rounds", type=int, default=1, help="injections of each fault")
    parser.add_argument("--results", type=Path, default=ROOT / "build" / "chaos.jsonl")
    parser.add_argument("--again", action="store_true", help="repeat good runs, too")
    parser.add_argument("--table", action="store_true", help="print the table of faults and exit")
    return parser.parse_args()


def _seeds(text: str) -> list[int]:
    first, _dash, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


def _sites(text: str) -> tuple[str, ...]:
    if text == "both":
        return SITES
    if text not in SITES:
        raise argparse.ArgumentTypeError(f"one of {', '.join(SITES)}, both")
    return (text,)


if __name__ == "__main__":
    sys.exit(main())

"""Make small changes to the code, one at a time, and check whether its tests notice.

    python tools/mutants.py [--seed 1] [--each 30] [--areas fusion metrics]

For each area, draw a sample of all mutants of its modules. In a mutant one comparison, operator or
constant is replaced, a condition is negated or made constant, a statement is deleted, or a result
is replaced by None. Write each mutant into a copy of the tree and run the tests of its area there
until the first failure. A mutant is killed if a test fails, or if the tests take more than
``PATIENCE`` times as long as without it, plus ``GRACE_SECONDS``. Otherwise it survives: a test is
missing, or the change has no effect. Survivors without effect are listed in
``mutants_allowed.csv`` with the reason.

Print each survivor that is not in that table, and a row for each area; exit with 1 if there is such
a survivor. Results are appended to ``build/mutants.jsonl``.

cosmic-ray and mutmut were considered: neither deletes statements or draws a sample.
"""

from __future__ import annotations

import argparse
import ast
import csv
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from os.path import commonprefix
from pathlib import Path
from queue import Queue

ROOT = Path(__file__).resolve().parents[1]
ALLOWED = Path(__file__).with_name("mutants_allowed.csv")
RESULTS = ROOT / "build" / "mutants.jsonl"
# Tests with a mutant may take PATIENCE times as long as without it, and GRACE_SECONDS more for a
# busy machine.
PATIENCE, GRACE_SECONDS = 4, 20
# Copies of the tree, in which tests run at the same time.
COPIES = 2
# Letters that are shown before and after a change.
CONTEXT = 40


@dataclass(frozen=True)
class Area:
    """Modules that are mutated together, and the tests that have to notice."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


AREAS = {
    "spend statistics": Area(
        (
            "creativefilter/spend/reports/simulation.py",
            "creativefilter/spend/reports/expected_spend.py",
            "creativefilter/spend/reports/advertisement_counts.py",
            "creativefilter/spend/totals/checks.py",
            "creativefilter/spend/totals/segment_changes.py",
        ),
        (
            "tests/spend/test_simulation.py",
            "tests/spend/test_uncertainty.py",
            "tests/spend/test_following.py",
            "tests/spend/test_spend_checks.py",
            "tests/spend/test_report_figures.py",
        ),
    ),
    "lifecycle": Area(
        (
            "creativefilter/jobs/lifecycle.py",
            "creativefilter/jobs/stage_runner.py",
            "creativefilter/jobs/recovery.py",
        ),
        (
            "tests/jobs/test_stage_claims.py",
            "tests/jobs/test_lifecycle_callbacks.py",
            "tests/jobs/test_stage_attempts.py",
            "tests/jobs/test_stage_ownership.py",
            "tests/jobs/test_lifecycle_retry.py",
            "tests/jobs/test_recovery.py",
            "tests/jobs/test_order.py",
        ),
    ),
    "idempotency": Area(
        ("creativefilter/api/core/idempotency.py",),
        (
            "tests/api/core/test_api_idempotency.py",
            "tests/api/core/test_api_idempotency_answers.py",
        ),
    ),
    "metrics": Area(
        ("classifier/evaluation/metrics.py", "classifier/evaluation/figures.py"),
        ("tests/classifier/test_metrics_figures.py", "tests/classifier/test_evaluation.py"),
    ),
    "fusion": Area(("classifier/decision/fusion.py",), ("tests/classifier/test_fusion.py",)),
    "decision": Area(
        ("classifier/decision/bundle.py", "classifier/decision/bundle_parts.py"),
        (
            "tests/classifier/test_bundle.py",
            "tests/classifier/test_bundle_files.py",
            "tests/classifier/test_bundle_thresholds.py",
        ),
    ),
    "training": Area(
        (
            "classifier/learning/trainer.py",
            "classifier/learning/cross_validation.py",
            "classifier/text/training.py",
        ),
        (
            "tests/classifier/test_learning.py",
            "tests/classifier/test_cross_validation.py",
            "tests/classifier/test_text_model.py",
            "tests/classifier/test_starter_training.py",
        ),
    ),
}

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A module with one change: ``source`` is all of it, ``before`` and ``after`` the change."""

    area: str
    module: str
    line: int
    before: str
    after: str
    source: str

    @property
    def key(self) -> tuple[str, str, str]:
        return self.module, self.before, self.after


def changes(node: ast.AST) -> Iterator[Callable[[ast.AST], None]]:
    """Yield functions that change a node of this kind in place, one for each possible change."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARISONS:
        yield _set("ops", [COMPARISONS[type(node.ops[0])]()])
    elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        yield _set("op", OPERATORS[type(node.op)]())
    elif isinstance(node, ast.BoolOp):
        yield _set("op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield _set("value", node.value + 1)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield _set("value", not node.value)
    elif isinstance(node, ast.If | ast.IfExp | ast.While):
        yield _set("test", ast.UnaryOp(ast.Not(), node.test))
        yield _set("test", ast.Constant(isinstance(node, ast.If)))
    elif isinstance(node, ast.Return) and ast.unparse(node) not in ("return", "return None"):
        yield _set("value", ast.Constant(None))


def _set(field: str, value: object) -> Callable[[ast.AST], None]:
    def change(node: ast.AST) -> None:
        setattr(node, field, value)

    return change


def sites(tree: ast.Module) -> list[tuple[int, int]]:
    """Return all possible changes of a module as pairs for ``mutant``.

    A pair is an index into ``_code(tree)`` and the number of a change of that node; or, to delete a
    statement, an index into ``_deletable(tree)`` and -1.
    """
    found = [
        (place, number)
        for place, node in enumerate(_code(tree))
        for number in range(len(list(changes(node))))
    ]
    return found + [(place, -1) for place in range(len(list(_deletable(tree))))]


def mutant(area: str, module: str, place: int, number: int) -> Mutant:
    """Make one change to a module; ``place`` and ``number`` are a pair from ``sites``."""
    source = (ROOT / module).read_text("utf-8")
    tree = ast.parse(source)
    original = ast.unparse(tree)
    if number < 0:
        body, index, node = list(_deletable(tree))[place]
        line = node.lineno
        body[index] = ast.Pass()
    else:
        node = _code(tree)[place]
        line = getattr(node, "lineno", 0)
        list(changes(node))[number](node)
    mutated = ast.unparse(ast.fix_missing_locations(tree))
    for old, new in zip(original.splitlines(), mutated.splitlines(), strict=False):
        if old != new:
            return Mutant(area, module, line, *_different(old, new), mutated)
    return Mutant(area, module, line, "", "", mutated)


def _different(old: str, new: str) -> tuple[str, str]:
    """Return what differs between two lines, with ``CONTEXT`` letters around it."""
    begin = len(commonprefix([old, new]))  # noqa: RUF071 (letters are meant)
    end = len(commonprefix([old[begin:][::-1], new[begin:][::-1]]))  # noqa: RUF071
    begin = max(0, begin - CONTEXT)
    cut = max(0, end - CONTEXT)
    return old[begin : len(old) - cut].strip(), new[begin : len(new) - cut].strip()


def _code(tree: ast.Module) -> list[ast.AST]:
    """Return all nodes of a module except those in annotations, decorators and log messages."""
    found: list[ast.AST] = []

    def walk(node: ast.AST) -> None:
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not _is_log(child):
                    found.append(child)
                    walk(child)

    walk(tree)
    return found


def _is_log(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and ast.unparse(node).startswith("logger.")


def _deletable(tree: ast.Module) -> Iterator[tuple[list[ast.stmt], int, ast.stmt]]:
    """Yield statements of functions that can be left out, each with its place in its block.

    These are calls and changes of existing values, except in ``else`` and ``finally``.
    """
    seen: set[int] = set()  # nested functions are part of the outer one
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            body = getattr(node, "body", None)
            if not isinstance(body, list) or id(body) in seen:
                continue
            seen.add(id(body))
            for index, statement in enumerate(body):
                call = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
                stored = isinstance(statement, ast.Assign) and isinstance(
                    statement.targets[0], ast.Attribute | ast.Subscript
                )
                if (
                    (call and not _is_log(statement))
                    or stored
                    or isinstance(statement, ast.AugAssign)
                ):
                    yield body, index, statement


def drawn(area: str, each: int, seed: int) -> list[Mutant]:
    """Draw at most ``each`` mutants of an area: the same ones for the same seed and code."""
    everything = [
        (module, *site)
        for module in AREAS[area].modules
        for site in sites(ast.parse((ROOT / module).read_text("utf-8")))
    ]
    chance = random.Random(f"{seed} {area}")  # noqa: S311
    made = (mutant(area, *site) for site in chance.sample(everything, len(everything)))
    return list(islice((one for one in made if one.before != one.after), each))


class Tree:
    """A copy of the tracked and untracked files, without ignored ones, in which tests run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        self.environ = os.environ | {"TMPDIR": str(folder / "tmp"), "PYTHONDONTWRITEBYTECODE": "1"}
        (folder / "tmp").mkdir()

    def passes(self, tests: tuple[str, ...], seconds: float | None = None) -> bool | None:
        """Run tests; return whether they pass, None if they take longer than ``seconds``."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
        try:
            done = subprocess.run(
                command, cwd=self.folder, env=self.environ, check=False, timeout=seconds,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return None
        return done.returncode == 0

    def outcome(self, mutant: Mutant, tests: tuple[str, ...], seconds: float) -> str:
        path = self.folder / mutant.module
        before = path.read_text("utf-8")
        path.write_text(mutant.source, "utf-8")
        try:
            return {True: "survived", False: "killed", None: "too long"}[
                self.passes(tests, seconds)
            ]
        finally:
            path.write_text(before, "utf-8")


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="creative-filter-mutants-") as name:
        trees: Queue[Tree] = Queue()
        for number in range(COPIES):
            folder = Path(name) / str(number)
            folder.mkdir()
            trees.put(Tree(folder))
        results = list(_run(options, trees))
    return _report(results)


def _run(options: argparse.Namespace, trees: Queue[Tree]) -> Iterator[tuple[Mutant, str]]:
    RESULTS.parent.mkdir(exist_ok=True)
    for area in options.areas:
        tests = tuple(each for each in AREAS[area].tests if (ROOT / each).exists())
        tree = trees.get()
        began = time.monotonic()
        if not tree.passes(tests):
            raise SystemExit(f"the tests of {area} fail without a mutant")
        seconds = PATIENCE * (time.monotonic() - began) + GRACE_SECONDS
        trees.put(tree)

        def one(mutant: Mutant, tests: tuple[str, ...] = tests, most: float = seconds) -> str:
            tree = trees.get()
            try:
                return tree.outcome(mutant, tests, most)
            finally:
                trees.put(tree)

        mutants = drawn(area, options.each, options.seed)
        with ThreadPoolExecutor(COPIES) as pool, RESULTS.open("a", encoding="utf-8") as file:
            for mutant, outcome in zip(mutants, pool.map(one, mutants), strict=True):
                line = asdict(mutant) | {"outcome": outcome, "seed": options.seed}
                del line["source"]
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                file.flush()
                yield mutant, outcome


def _report(results: list[tuple[Mutant, str]]) -> int:
    with ALLOWED.open(encoding="utf-8", newline="") as file:
        allowed = {(row["module"], row["before"], row["after"]) for row in csv.DictReader(file)}
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    unexplained = 0
    for mutant, outcome in results:
        if outcome == "survived" and mutant.key in allowed:
            outcome = "allowed"
        counts[mutant.area][outcome] += 1
        if outcome == "survived":
            unexplained += 1
            print(f"{mutant.module}:{mutant.line}\n    {mutant.before}\n    {mutant.after}")
    for area, count in counts.items():
        killed = count["killed"] + count["too long"]
        print(
            f"{area}: {count.total()} mutants, {killed} killed, {count['allowed']} allowed, "
            f"{count['survived']} survived"
        )
    return int(unexplained > 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", type=int, default=30, help="mutants of an area")
    parser.add_argument("--areas", nargs="+", choices=list(AREAS), default=list(AREAS))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

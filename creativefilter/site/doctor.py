"""Registry of the system checks. Each app registers its own; ``creativefilter.doctor`` runs them.

A check reports only what is wrong. Jobs that run or wait in the queue are no finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.utils.functional import Promise

Text = str | Promise
# Most names that a finding lists; the rest is only counted.
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that can be wrong.

    Attributes:
        code: Its name in stored findings.
        sentence: What is wrong. Placeholders are ``%(count)d`` and the facts of a finding.
        remedy: What to do, with the same placeholders.
        repairable: Whether the check that finds it can repair it without losing anything.
    """

    code: str
    sentence: Text
    remedy: Text
    repairable: bool = False

    def found(
        self, things: Iterable[object] = (), count: int | None = None, **facts: Any
    ) -> Finding:
        """Return a finding.

        Args:
            things: Names of the affected rows or files; the first ``SHOWN`` are stored.
            count: Number of affected rows or files; by default the number of ``things``.
            facts: Plain JSON values for the placeholders of the sentences.
        """
        names = [str(thing) for thing in things]
        return Finding(self.code, len(names) if count is None else count, names[:SHOWN], facts)


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem that was found, as plain JSON values; its sentences are made when it is shown."""

    code: str
    count: int = 1
    things: Sequence[str] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """What is wrong, in the reader's language."""
        return str(problem(self.code).sentence) % self._values

    @property
    def remedy(self) -> str:
        """What to do, in the reader's language."""
        return str(problem(self.code).remedy) % self._values

    @property
    def repairable(self) -> bool:
        """Whether the check's ``repair`` puts it right."""
        return problem(self.code).repairable

    @property
    def unnamed(self) -> int:
        """Number of affected rows or files that ``things`` does not list."""
        return self.count - len(self.things) if self.things else 0

    @property
    def _values(self) -> dict[str, Any]:
        return {"count": self.count, **self.facts}

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Check:
    """A system check of one subject.

    Attributes:
        name: The subject; shown translated, so mark it with ``gettext_noop``.
        problems: All problems that ``look`` can find.
        look: Returns what is wrong. MUST NOT change anything.
        repair: Repairs the problems with ``repairable``. MUST NOT lose data.
        quick: Takes seconds, however much is stored.
        vital: If it finds something, no later check can run.
    """

    name: str
    problems: tuple[Problem, ...]
    look: Callable[[], Iterable[Finding]]
    repair: Callable[[], object] | None = None
    quick: bool = False
    vital: bool = False


_checks: dict[str, Check] = {}
_problems: dict[str, Problem] = {}


def register(check: Check) -> Check:
    """Register a check and its problems; to be called when the apps are loaded."""
    _checks[check.name] = check
    for each in check.problems:
        declare(each)
    return check


def declare(new: Problem) -> Problem:
    """Register a problem that belongs to no single check."""
    return _problems.setdefault(new.code, new)


def problem(code: str) -> Problem:
    """Return the problem of that code; raises ``KeyError`` if no installed app has it."""
    return _problems[code]


def of_json(stored: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Return stored findings; those whose problem no installed app declares are left out."""
    return [Finding(**one) for one in stored if one["code"] in _problems]


def registered(*, quick: bool = False) -> list[Check]:
    """Return the checks in the order in which they run: vital ones, quick ones, others.

    Args:
        quick: Whether to return the quick ones only.
    """
    wanted = [check for check in _checks.values() if check.quick or not quick]
    return sorted(wanted, key=lambda check: (not check.vital, not check.quick))

"""What can be wrong with an installation. Each room registers its checks, this module knows none.

``creativefilter.doctor`` runs them. A check finds only what is wrong: work
that is going on, or waits its turn, is no finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.utils.functional import Promise

Text = str | Promise
# Names that one finding lists; it counts the rest.
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that can be wrong.

    Attributes:
        code: Its name in stored findings.
        sentence: What is wrong. ``%(count)d`` and the facts of a finding are filled in.
        remedy: What to do, with the same placeholders.
        mended: Whether the check that finds it mends it, too, without losing anything.
    """

    code: str
    sentence: Text
    remedy: Text
    mended: bool = False

    def found(
        self, things: Iterable[object] = (), count: int | None = None, **facts: Any
    ) -> Finding:
        """Return a finding.

        Args:
            things: What it is about, by name; the first ``SHOWN`` are kept.
            count: How many these are, where ``things`` are not all of them.
            facts: Plain JSON values for the placeholders of the sentences.
        """
        names = [str(thing) for thing in things]
        return Finding(self.code, len(names) if count is None else count, names[:SHOWN], facts)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong here: plain values, to be stored and said in any language."""

    code: str
    count: int = 1
    things: Sequence[str] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """What is wrong, in the language of the reader."""
        return str(problem(self.code).sentence) % self._values

    @property
    def remedy(self) -> str:
        """What to do, in the language of the reader."""
        return str(problem(self.code).remedy) % self._values

    @property
    def mended(self) -> bool:
        """Whether ``mend`` puts it right."""
        return problem(self.code).mended

    @property
    def unnamed(self) -> int:
        """How many there are beside ``things``."""
        return self.count - len(self.things) if self.things else 0

    @property
    def _values(self) -> dict[str, Any]:
        return {"count": self.count, **self.facts}

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Check:
    """A look at one subject.

    Attributes:
        name: The subject; shown translated, so mark it with ``gettext_noop``.
        problems: All that ``look`` can find.
        look: Returns what is wrong, and changes nothing.
        mend: Puts right what it can of that, without losing anything.
        quick: Takes seconds, however much is stored.
        vital: Where it finds something, no other check can look.
    """

    name: str
    problems: tuple[Problem, ...]
    look: Callable[[], Iterable[Finding]]
    mend: Callable[[], object] | None = None
    quick: bool = False
    vital: bool = False


_checks: dict[str, Check] = {}
_problems: dict[str, Problem] = {}


def register(check: Check) -> Check:
    """Make a check known; called as the apps start."""
    _checks[check.name] = check
    for each in check.problems:
        declare(each)
    return check


def declare(found: Problem) -> Problem:
    """Make a problem known that no check has for itself."""
    return _problems.setdefault(found.code, found)


def problem(code: str) -> Problem:
    """Return the problem of that code; raises ``KeyError`` if no installed app has it."""
    return _problems[code]


def of_json(stored: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Return findings that were stored; those of an app that is gone are left out."""
    return [Finding(**one) for one in stored if one["code"] in _problems]


def every(*, quick: bool = False) -> list[Check]:
    """Return the checks in the order in which they look; only the quick ones if asked."""
    wanted = [check for check in _checks.values() if check.quick or not quick]
    return sorted(wanted, key=lambda check: (not check.vital, not check.quick))

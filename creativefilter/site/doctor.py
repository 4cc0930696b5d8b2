"""What can be wrong with an installation. Each room registers its checks, this module knows none.

``manage.py doctor`` and the page "System check" run them. A check finds only what is wrong: work
that is going on, or waits its turn, is no finding.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creativefilter.site.sentences import sentence_of

logger = logging.getLogger(__name__)

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


NOT_LOOKED_AT = Problem(
    "not_looked_at",
    gettext_lazy("This could not be looked at: %(subject)s. %(why)s"),
    gettext_lazy("Mend what the sentence names, then look again."),
)
_checks: dict[str, Check] = {}
_problems: dict[str, Problem] = {NOT_LOOKED_AT.code: NOT_LOOKED_AT}


def register(check: Check) -> Check:
    """Make a check known; called as the apps start."""
    _checks[check.name] = check
    _problems.update((problem.code, problem) for problem in check.problems)
    return check


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


def examine(
    checks: Sequence[Check], begins: Callable[[Check], object] = lambda check: None
) -> list[Finding]:
    """Return what is wrong; ``begins`` hears of each check before it looks."""
    found: list[Finding] = []
    for check in checks:
        begins(check)
        some = _look(check)
        found += some
        if check.vital and some:
            break
    return found


@dataclass(frozen=True, slots=True)
class Report:
    """What is wrong, and what was and has been mended."""

    found: list[Finding]
    mended: list[Finding]


def report(*, fix: bool = False, begins: Callable[[Check], object] = lambda check: None) -> Report:
    """Look at everything; with ``fix`` mend what is safe, and look again.

    ``begins`` hears of each check before it looks or mends.
    """
    checks = every()
    found = examine(checks, begins)
    wrong = [finding for finding in found if finding.mended]
    if not (fix and wrong):
        return Report(found, [])
    mend(checks, wrong, begins)
    left = examine(checks, begins)
    codes = {finding.code for finding in left}
    return Report(left, [finding for finding in wrong if finding.code not in codes])


def mend(
    checks: Sequence[Check],
    found: Sequence[Finding],
    begins: Callable[[Check], object] = lambda check: None,
) -> None:
    """Put right what can be without losing anything; whoever asks looks again afterwards.

    Raises what keeps a check from that.
    """
    codes = {finding.code for finding in found if finding.mended}
    for check in checks:
        if check.mend and codes & {each.code for each in check.problems}:
            begins(check)
            check.mend()


def _look(check: Check) -> list[Finding]:
    try:
        return list(check.look())
    except Exception as error:
        # One subject that can't be looked at hides no other.
        logger.warning("%s", check.name, exc_info=error)
        why = sentence_of(error) or f"{type(error).__name__}: {error}".splitlines()[0][:300]
        return [NOT_LOOKED_AT.found(subject=_(check.name), why=why)]

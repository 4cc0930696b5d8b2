"""Looks at everything that rooms have registered (``site.doctor``), and mends what is safe."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from billiard.exceptions import SoftTimeLimitExceeded
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creativefilter.site.doctor import Check, Finding, Problem, declare, every
from creativefilter.site.sentences import sentence_of

logger = logging.getLogger(__name__)

NOT_LOOKED_AT = declare(
    Problem(
        "not_looked_at",
        gettext_lazy("This could not be looked at: %(subject)s. %(why)s"),
        gettext_lazy("Mend what the sentence names, then look again."),
    )
)


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
    except SoftTimeLimitExceeded:
        raise
    except Exception as error:
        # One subject that can't be looked at hides no other.
        logger.info("%s", check.name, exc_info=error)
        why = sentence_of(error) or f"{type(error).__name__}: {error}".splitlines()[0][:300]
        return [NOT_LOOKED_AT.found(subject=_(check.name), why=why)]

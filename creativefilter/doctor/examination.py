"""Run the registered system checks (``site.doctor``) and the repairs that lose nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from billiard.exceptions import SoftTimeLimitExceeded
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creativefilter.site.doctor import Check, Finding, Problem, declare, registered
from creativefilter.site.sentences import sentence_of

logger = logging.getLogger(__name__)

NOT_LOOKED_AT = declare(
    Problem(
        "not_looked_at",
        gettext_lazy("This could not be checked: %(subject)s. %(why)s"),
        gettext_lazy("Correct what the sentence names, then check again."),
    )
)


def examine(
    checks: Sequence[Check], on_start: Callable[[Check], object] = lambda check: None
) -> list[Finding]:
    """Run checks in order; stop after a vital one that finds something.

    Args:
        checks: The checks.
        on_start: Called with each check before it runs.

    Returns:
        What is wrong.
    """
    findings: list[Finding] = []
    for check in checks:
        on_start(check)
        new = _look(check)
        findings += new
        if check.vital and new:
            break
    return findings


@dataclass(frozen=True, slots=True)
class Report:
    """Result of the system check.

    Attributes:
        found: What is wrong now.
        repaired: What was wrong and has been repaired.
    """

    found: list[Finding]
    repaired: list[Finding]


def report(
    *, fix: bool = False, on_start: Callable[[Check], object] = lambda check: None
) -> Report:
    """Run all checks; with ``fix`` repair what can be repaired, and run them again.

    Args:
        fix: Whether to repair.
        on_start: Called with each check before it looks or repairs.
    """
    checks = registered()
    found = examine(checks, on_start)
    repairable = [finding for finding in found if finding.repairable]
    if not (fix and repairable):
        return Report(found, [])
    repair(checks, repairable, on_start)
    remaining = examine(checks, on_start)
    codes = {finding.code for finding in remaining}
    return Report(remaining, [finding for finding in repairable if finding.code not in codes])


def repair(
    checks: Sequence[Check],
    findings: Sequence[Finding],
    on_start: Callable[[Check], object] = lambda check: None,
) -> None:
    """Repair what can be repaired without losing anything.

    The caller runs the checks again to see what is left. Exceptions of repairs pass through.

    Args:
        checks: The checks whose repairs may run.
        findings: What is wrong; only findings with ``repairable`` are repaired.
        on_start: Called with each check before its repair.
    """
    codes = {finding.code for finding in findings if finding.repairable}
    for check in checks:
        if check.repair and codes & {each.code for each in check.problems}:
            on_start(check)
            check.repair()


def _look(check: Check) -> list[Finding]:
    """Run one check; an exception becomes a finding, so that it does not hide other findings."""
    try:
        return list(check.look())
    except SoftTimeLimitExceeded:
        raise
    except Exception as error:
        logger.info("system check %s raised an exception", check.name, exc_info=error)
        why = sentence_of(error) or f"{type(error).__name__}: {error}".splitlines()[0][:300]
        return [NOT_LOOKED_AT.found(subject=_(check.name), why=why)]

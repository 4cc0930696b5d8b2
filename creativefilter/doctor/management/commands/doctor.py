"""Command ``doctor``: run all system checks, print findings and remedies, repair with --fix."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creativefilter.accounts.audit import Action, record
from creativefilter.doctor import examination
from creativefilter.site.commands import BaseCommand, progress_bar
from creativefilter.site.doctor import Check, Finding, registered


class Command(BaseCommand):
    help = gettext_lazy(
        "Checks the installation: files and rows, jobs, totals, models, weights, broker, disk, "
        "settings. Says what to do about each finding, and exits with 1 if there is one. --fix "
        "repairs what it can without losing anything. Work in progress is not a finding."
    )
    # The check "settings" reports them as findings.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--fix",
            action="store_true",
            help=_(
                "move files without rows to quarantine, queue stuck jobs again, recompute totals"
            ),
        )

    def handle(self, *args: Any, fix: bool, **options: Any) -> None:
        with progress_bar(len(registered()), leave=False) as bar:
            report = examination.report(fix=fix, on_start=_showing(bar))
        if report.repaired:
            record(Action.SYSTEM_MENDED, found={one.code: one.count for one in report.repaired})
        for finding in report.repaired:
            self.stdout.write(_("Repaired: %s") % finding.sentence)
        for finding in report.found:
            self._print(finding)
        if not report.found:
            self.stdout.write(_("Nothing is wrong."))
            return
        repairable = 0 if fix else sum(finding.repairable for finding in report.found)
        text = _("Findings: %(count)d; --fix repairs %(repairable)d of them.")
        self.part_failed(text % {"count": len(report.found), "repairable": repairable})

    def _print(self, finding: Finding) -> None:
        self.stdout.write(finding.sentence)
        for thing in finding.things:
            self.stdout.write(f"    {thing}")
        if finding.unnamed:
            self.stdout.write("    " + _("and %d more") % finding.unnamed)
        self.stdout.write("  → " + finding.remedy)


def _showing(bar: Any) -> Callable[[Check], None]:
    """Return a callback that shows the current check on the progress bar."""

    def on_start(check: Check) -> None:
        bar.set_description(_(check.name))
        bar.update()

    return on_start

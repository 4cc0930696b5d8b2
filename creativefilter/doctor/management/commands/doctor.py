"""Looks for what is wrong with an installation, says what to do, mends what is safe."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creativefilter.accounts.audit import Action, record
from creativefilter.doctor import examination
from creativefilter.site.commands import BaseCommand, progress_bar
from creativefilter.site.doctor import Check, Finding, every


class Command(BaseCommand):
    help = gettext_lazy(
        "Looks for what is wrong: files and rows, jobs, sums, models, weights, broker, disk, "
        "settings. Says what to do, and ends with 1 if something is. --fix mends what it can, and "
        "loses nothing. Work that is going on is no finding."
    )
    # They are among what is looked at, and said like the rest.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--fix",
            action="store_true",
            help=_("put files that no row names aside, queue stuck jobs again, make sums anew"),
        )

    def handle(self, *args: Any, fix: bool, **options: Any) -> None:
        with progress_bar(len(every()), leave=False) as bar:
            report = examination.report(fix=fix, begins=_showing(bar))
        if report.mended:
            record(Action.SYSTEM_MENDED, found={one.code: one.count for one in report.mended})
        for finding in report.mended:
            self.stdout.write(_("Mended: %s") % finding.sentence)
        for finding in report.found:
            self._say(finding)
        if not report.found:
            self.stdout.write(_("Nothing is wrong."))
            return
        mendable = 0 if fix else sum(finding.mended for finding in report.found)
        text = _("Findings: %(count)d; --fix mends %(mended)d of them.")
        self.part_failed(text % {"count": len(report.found), "mended": mendable})

    def _say(self, finding: Finding) -> None:
        self.stdout.write(finding.sentence)
        for thing in finding.things:
            self.stdout.write(f"    {thing}")
        if finding.unnamed:
            self.stdout.write("    " + _("and %d more") % finding.unnamed)
        self.stdout.write("  → " + finding.remedy)


def _showing(bar: Any) -> Callable[[Check], None]:
    """Show on the bar what is looked at now."""

    def begins(check: Check) -> None:
        bar.set_description(_(check.name))
        bar.update()

    return begins

"""Run web, workers and broker on one machine until Ctrl-C."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creativefilter.creatives.analysis.redecision import decide_again
from creativefilter.creatives.families import fingerprints
from creativefilter.embedded import demonstration, preparation
from creativefilter.embedded.console import DemonstrationReport, credentials_text
from creativefilter.embedded.supervisor import Supervisor, running
from creativefilter.site.commands import INTERRUPTED, BaseCommand, CommandError, port_number


class Command(BaseCommand):
    help = gettext_lazy("Starts web, worker and broker on this machine and serves until Ctrl-C.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
        parser.add_argument("--port", type=port_number, default=os.environ.get("PORT") or None)
        parser.add_argument(
            "--demo",
            action="store_true",
            help=_(
                "classify the demonstration creatives through the queue, print the table and exit"
            ),
        )

    def handle(self, *args: Any, host: str, port: int | None, demo: bool, **options: Any) -> None:
        credentials = preparation.prepare()
        with running(host, port) as supervisor:
            supervisor.wait_for_web()
            self._write_line(_("Creative Filter: %s") % supervisor.address)
            if credentials:
                self._write_line(credentials_text(credentials))
            if not fingerprints.can_compare_sounds():
                self._write_line(
                    _(
                        "Near duplicates are compared without sound. To compare sound as well, on "
                        "Debian: apt-get install libchromaprint1"
                    )
                )
            self._serve(supervisor, demo, first_start=credentials is not None)

    def _serve(self, supervisor: Supervisor, demo: bool, first_start: bool) -> None:
        # A new starter model has to decide about the creatives that the old one has decided about.
        decide_again(None)
        seeded = demonstration.seed() if demo or first_start else []
        if seeded:
            self._write_line(_("%d demonstration creatives are being classified:") % len(seeded))
        report = DemonstrationReport(seeded, self._write_line)

        def each_second() -> bool:
            return report.print_news() and demo

        if not demo:
            self._write_line(_("Ctrl-C stops everything."))
        supervisor.serve(each_second)
        if demo and report.waiting:
            text = _("Stopped before all demonstration creatives were done.")
            raise CommandError(text, returncode=INTERRUPTED)
        self._write_line(_("Stopping…"))

    def _write_line(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

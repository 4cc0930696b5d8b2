"""Run Celery beat, which sends periodic tasks, until a signal comes."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creativefilter.embedded import services
from creativefilter.embedded.service_command import ServiceCommand, alive_argument
from creativefilter.site.commands import written_file


class Command(ServiceCommand):
    help = gettext_lazy("Sends periodic tasks until it receives a signal; run exactly one.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--schedule",
            type=written_file,
            default="/tmp/beat",  # noqa: S108  (nothing is lost with it)
            help=_("file for the times at which periodic tasks were last sent"),
        )
        alive_argument(parser)

    def serve(self, *args: Any, schedule: Path, alive_file: Path | None, **options: Any) -> int:
        return services.beat(schedule, alive_file)

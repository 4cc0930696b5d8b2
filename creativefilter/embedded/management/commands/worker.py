"""Run a worker, which works on jobs, until a signal comes."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creativefilter.embedded import services
from creativefilter.embedded.service_command import ServiceCommand, alive_argument
from creativefilter.site.commands import UsageError, at_least_one
from creativefilter.site.lanes import QUEUES


class Command(ServiceCommand):
    help = gettext_lazy("Runs jobs of the given queues until it receives a signal.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--queues",
            type=queue_names,
            default=",".join(QUEUES),
            help=_("names of queues, separated by commas; all by default: %s") % ", ".join(QUEUES),
        )
        parser.add_argument(
            "--name", default="worker@%h", help=_("unique name of the worker; %%h is the host")
        )
        parser.add_argument(
            "--processes",
            type=at_least_one,
            help=_("number of stages that run at the same time; WORKER_PROCESSES by default"),
        )
        alive_argument(parser)

    def serve(
        self,
        *args: Any,
        queues: list[str],
        name: str,
        processes: int | None,
        alive_file: Path | None,
        **options: Any,
    ) -> int:
        return services.work(queues, name=name, processes=processes, alive=alive_file)


def queue_names(text: str) -> list[str]:
    """Parse names of queues that are separated by commas.

    Raises:
        UsageError: One of the names is not a queue.
    """
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in QUEUES:
            raise UsageError(
                _("There is no queue “%(name)s”. There are: %(queues)s.")
                % {"name": name, "queues": ", ".join(QUEUES)}
            )
    return names

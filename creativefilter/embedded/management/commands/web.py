"""Run the web server and its processes until a signal comes."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creativefilter.embedded import services
from creativefilter.embedded.service_command import ServiceCommand
from creativefilter.site.commands import port_number


class Command(ServiceCommand):
    help = gettext_lazy("Serves pages and API until it receives a signal.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--host", default=os.environ.get("HOST", "127.0.0.1"), help=_("address to listen on")
        )
        parser.add_argument(
            "--port",
            type=port_number,
            default=os.environ.get("PORT") or "8000",
            help=_("port to listen on"),
        )

    def serve(self, *args: Any, host: str, port: int, **options: Any) -> int:
        services.serve_web(host, port)
        return 0

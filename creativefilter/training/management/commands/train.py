"""Trains a model version from the labelled creatives of the database."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from creativefilter.creatives import model_versions
from creativefilter.creatives.analysis.redecision import decide_again
from creativefilter.creatives.models import ModelVersion
from creativefilter.site.commands import BaseCommand
from creativefilter.site.former_names import FormerOption
from creativefilter.training import figure_tables, new_version
from creativefilter.training.figure_tables import Measured

PICTURES = ("nearest", "catboost", "none")


class Command(BaseCommand):
    help = gettext_lazy(
        "Trains a model version from labelled creatives, and compares it with the active version "
        "on creatives that were held out."
    )

    version: ModelVersion | None = None

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--activate",
            action="store_true",
            help=_("activate the new version, and classify the creatives again"),
        )
        parser.add_argument(
            "--text",
            default="linear",
            metavar="linear|NAME_OR_FOLDER",
            help=_("the linear model, or an encoder to fine-tune (cointegrated/rubert-tiny2, ...)"),
        )
        parser.add_argument("--pictures", choices=PICTURES, default="nearest")
        parser.add_argument("--video", action=FormerOption, choices=PICTURES, dest="pictures")

    def handle(self, *args: Any, activate: bool, text: str, pictures: str, **options: Any) -> None:
        old = model_versions.active()
        version, compared, labels = new_version.learn(
            text, "" if pictures == "none" else pictures, self.stderr.write
        )
        self.version = version
        self.stdout.write(str(labels))
        measurements = [Measured(str(version), compared.new), Measured(str(old), compared.old)]
        for grid in (figure_tables.quality(measurements), figure_tables.automation(measurements)):
            self.stdout.write(grid.as_text() + "\n")
        if compared.old_trained_on:
            self.stdout.write(
                _(
                    "%(old)s was trained on %(seen)d of these %(rows)d creatives: its figures are "
                    "too good."
                )
                % {"old": old, "seen": compared.old_trained_on, "rows": compared.old.rows}
            )
        if not activate:
            self.stdout.write(
                _("%s is ready. Activate it in the list of model versions.") % version
            )
            return
        with transaction.atomic():
            model_versions.activate(version)
            queued = decide_again(None)
        self.stdout.write(
            _("%(version)s is active now; creatives to be classified again: %(count)d.")
            % {"version": version, "count": queued.creatives if queued else 0}
        )

    def done_so_far(self) -> str:
        if self.version is None:
            return _("No model version was made.")
        return _("%s is ready. Activate it in the list of model versions.") % self.version

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
from creativefilter.training import figure_tables, new_version, version_page
from creativefilter.training.new_version import Training
from creativefilter.training.progress import ProgressSentences

PICTURES = ("nearest", "catboost", "none")


class Command(BaseCommand):
    help = gettext_lazy(
        "Trains a model version from labelled creatives, and compares it with the active version "
        "on the exam set."
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
        progress = ProgressSentences()
        training = new_version.learn(
            text,
            "" if pictures == "none" else pictures,
            lambda step: self.stderr.write(progress.sentence(step)),
        )
        version = self.version = training.version
        if not training.is_new:
            self.stdout.write(_("Nothing has changed since %s was trained.") % version)
        self._print(training)
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

    def _print(self, training: Training) -> None:
        self.stdout.write(str(training.labels))
        self.stdout.write(str(training.comparison))
        measured = version_page.measured(training.version)
        if not measured:
            return
        for grid in (figure_tables.quality(measured), figure_tables.automation(measured)):
            self.stdout.write(grid.as_text() + "\n")

    def done_so_far(self) -> str:
        if self.version is None:
            return _("No model version was made.")
        return _("%s is ready. Activate it in the list of model versions.") % self.version

"""Near duplicates of all creatives: what is missing is made, what is there is grouped anew."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from tqdm import tqdm

from creativefilter.creatives.families import grouping
from creativefilter.creatives.families.fingerprints import NOT_HEARD, hears
from creativefilter.site.codes import sentence


class Command(BaseCommand):
    help = (
        "Makes the fingerprints of near duplicates that are missing (creatives of earlier "
        "versions, or without chromaprint) and groups all families anew. Nothing is decoded or "
        "heard again. It can be done any number of times, and stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true", help="make every fingerprint again")

    def handle(self, *args: Any, **options: Any) -> None:
        waiting = grouping.unprinted(everything=options["all"])
        made = sum(
            grouping.print_again(pk) for pk in tqdm(waiting, disable=not sys.stderr.isatty())
        )
        found = grouping.regroup_all()
        text = ngettext("%d fingerprint was made.", "%d fingerprints were made.", made)
        self.stdout.write(text % made)
        if left := len(waiting) - made:
            text = ngettext(
                "%d creative was left out: it is not decoded yet.",
                "%d creatives were left out: they are not decoded yet.",
                left,
            )
            self.stdout.write(text % left)
        text = _("Families of near duplicates: %(families)d, with %(creatives)d creatives.")
        self.stdout.write(text % {"families": found.families, "creatives": found.creatives})
        if not hears():
            self.stdout.write(sentence(NOT_HEARD))

"""Command that makes missing fingerprints and recomputes all families."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from creativefilter.creatives.families import grouping
from creativefilter.creatives.families.fingerprints import SOUND_NOT_COMPARED, can_compare_sounds
from creativefilter.site.codes import sentence
from creativefilter.site.commands import BaseCommand, progress_bar


class Command(BaseCommand):
    help = gettext_lazy(
        "Computes missing fingerprints of near duplicates (of creatives that an earlier version "
        "of the program analysed, or that were analysed without chromaprint) and groups all "
        "families again. Nothing is decoded or transcribed again. It can be repeated, and "
        "interrupted."
    )

    made = 0

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true", help=_("recompute every fingerprint"))

    def handle(self, *args: Any, **options: Any) -> None:
        waiting = grouping.media_to_fingerprint(everything=options["all"])
        with progress_bar(len(waiting)) as bar:
            for pk in waiting:
                self.made += grouping.remake_fingerprint(pk)
                bar.update()
        found = grouping.regroup_all()
        self.stdout.write(self.done_so_far())
        if left := len(waiting) - self.made:
            text = ngettext(
                "%d creative was left out: its working copy is missing or damaged.",
                "%d creatives were left out: their working copies are missing or damaged.",
                left,
            )
            self.stdout.write(text % left)
        text = _("Families of near duplicates: %(families)d, with %(creatives)d creatives.")
        self.stdout.write(text % {"families": found.families, "creatives": found.creatives})
        if not can_compare_sounds():
            self.stdout.write(sentence(SOUND_NOT_COMPARED))

    def done_so_far(self) -> str:
        text = ngettext("%d fingerprint was made.", "%d fingerprints were made.", self.made)
        return text % self.made

"""Removes the demonstration creatives."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import ngettext

from creativefilter.creatives.demonstration import remove_demonstration


class Command(BaseCommand):
    help = "Removes every demonstration creative with its files."

    def handle(self, *args: Any, **options: Any) -> None:
        count = remove_demonstration()
        text = ngettext(
            "%d demonstration creative was removed.",
            "%d demonstration creatives were removed.",
            count,
        )
        self.stdout.write(text % count)

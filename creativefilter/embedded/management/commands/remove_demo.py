"""Remove the demonstration creatives."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy, ngettext

from creativefilter.creatives.demonstration import remove_demonstration
from creativefilter.site.commands import BaseCommand


class Command(BaseCommand):
    help = gettext_lazy("Removes every demonstration creative with its files.")

    def handle(self, *args: Any, **options: Any) -> None:
        count = remove_demonstration()
        text = ngettext(
            "%d demonstration creative was removed.",
            "%d demonstration creatives were removed.",
            count,
        )
        self.stdout.write(text % count)

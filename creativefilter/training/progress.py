"""Progress of a training in the user's language."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from classifier.learning.progress import Step

STAGES = {
    "families": gettext_lazy("near duplicates"),
    "words": gettext_lazy("texts"),
    "tuning": gettext_lazy("fine-tuning"),
    "pictures": gettext_lazy("pictures"),
    "stack": gettext_lazy("fusion of the channels"),
    "writing": gettext_lazy("saving"),
}


class ProgressSentences:
    """Makes a sentence of each step of a training, with the estimated remaining time."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._share = 0.0

    def sentence(self, step: Step) -> str:
        """Return the sentence of a step that has just ended."""
        stage = STAGES[step.stage]
        done = f"{stage}: {step.number}/{step.count}" if step.count > 1 else str(stage)
        # Texts are counted again for each teacher with other document frequencies.
        self._share = max(self._share, step.share)
        if self._share >= 1:
            return done
        elapsed = time.monotonic() - self._began
        seconds = round(elapsed * (1 - self._share) / self._share)
        if seconds < 60:
            remaining = _("about %d s left") % seconds
        else:
            remaining = _("about %d min left") % round(seconds / 60)
        return f"{done}; {remaining}"

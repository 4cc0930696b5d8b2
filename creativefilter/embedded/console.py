"""Output of ``run`` and ``run --demo`` on the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from django.utils.translation import gettext as _

from creativefilter.embedded import demonstration
from creativefilter.embedded.demonstration import Outcome, Script
from creativefilter.embedded.preparation import Credentials
from creativefilter.site.codes import sentence

WriteLine = Callable[[str], object]


class DemonstrationReport:
    """Prints a line for each demonstration creative when it is finished, then a summary."""

    def __init__(self, seeded: list[Script], write_line: WriteLine) -> None:
        self.waiting = {script.file: script for script in seeded}
        self.outcomes: list[Outcome] = []
        self.write_line = write_line

    def print_news(self) -> bool:
        """Print what was finished since the last call; return True if everything is finished."""
        if not self.waiting:
            return True
        for outcome in demonstration.finished(self.waiting):
            self.outcomes.append(outcome)
            self.write_line(line_of(outcome))
        if not self.waiting:
            self.write_line(self.summary())
        return not self.waiting

    def summary(self) -> str:
        """Return a sentence with the numbers of right, undecided and failed creatives."""
        with_speech = [o for o in self.outcomes if o.script.segment is not None]
        without_speech = [o for o in self.outcomes if o.script.segment is None]
        return _(
            "%(count)d demonstration creatives: %(right)d of %(spoken)d with speech got the "
            "segment they were written for, %(left)d of %(mute)d without speech were left to a "
            "person, %(failed)d failed."
        ) % {
            "count": len(self.outcomes),
            "right": sum(o.right for o in with_speech),
            "spoken": len(with_speech),
            "left": sum(o.right for o in without_speech),
            "mute": len(without_speech),
            "failed": sum(o.prediction is None for o in self.outcomes),
        }


def line_of(outcome: Outcome) -> str:
    """Return the line for one creative: file, probability, segment, or the reason for none."""
    name = f"{outcome.script.file:14}"
    prediction = outcome.prediction
    if prediction is None:
        return f"{name} — {sentence(outcome.creative.error_code)}"
    if prediction.segment is None:
        return f"{name} — {sentence(prediction.reason)}"
    line = f"{name} {prediction.probability:4.0%}  {prediction.segment}"
    if prediction.decision == prediction.Decision.REVIEW:
        line += f"  [{_('needs a person')}]"
    return line


def credentials_text(credentials: Credentials) -> str:
    """Return the text that shows the first administrator's password and token."""
    return _(
        "Administrator: %(username)s, password: %(password)s\n"
        "Token for programs: %(token)s\n"
        "Both are shown this once and stored only as hashes. New ones:\n"
        "  %(python)s manage.py changepassword %(username)s\n"
        "  %(python)s manage.py create_token %(username)s"
    ) % {
        "python": os.path.relpath(sys.executable),
        "username": credentials.username,
        "password": credentials.password,
        "token": credentials.token,
    }

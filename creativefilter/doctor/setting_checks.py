"""Django system checks of settings: misspelt names and incomplete keys.

Values that can't be used at all stop the start already (``creativefilter.settings``).
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register  # noqa: A004 (Django's name)
from django.utils.translation import gettext as _

from creativefilter.settings.environment import NAMES_IN_FILE, known_names

TAG = "settings"
# Similarity (difflib ratio) from which a name counts as misspelt. Higher for the environment, which
# holds many variables of other programs, than for the file of settings.
ALIKE, ALIKE_IN_FILE = 0.87, 0.7


def misspelt(
    names: Collection[str], known: Collection[str], alike: float
) -> Iterator[tuple[str, str]]:
    """Yield names that look like misspelt settings, each with the most similar setting.

    Args:
        names: Names of variables that are set.
        known: Names of all settings.
        alike: Smallest similarity, 0 to 1 (``difflib.SequenceMatcher.ratio``).
    """
    # Too many names are similar to HOST and PORT.
    guesses = [name for name in known if len(name) > len("PORT")]
    for name in sorted(set(names) - set(known)):
        for guess in difflib.get_close_matches(name.upper(), guesses, n=1, cutoff=alike):
            yield name, guess


@register(TAG)
def check_names(**_options: Any) -> list[CheckMessage]:
    """Warn about variables that are ignored and look like a misspelt setting."""
    known = known_names()
    found = dict(misspelt(os.environ, known, ALIKE))
    found |= dict(misspelt(NAMES_IN_FILE, known, ALIKE_IN_FILE))
    text = _("%(name)s is not a setting and is ignored: did you mean %(guess)s?")
    return [
        Warning(text % {"name": name, "guess": guess}, id="creativefilter.W001")
        for name, guess in sorted(found.items())
    ]


@register(TAG)
def check_keys_of_bucket(**_options: Any) -> list[CheckMessage]:
    """Warn if only one key of the bucket is set: the client would ignore it or use other keys."""
    keys = settings.STORAGE_S3
    if settings.STORAGE_S3_BUCKET and bool(keys["access_key"]) != bool(keys["secret_key"]):
        text = _("Set both STORAGE_S3_ACCESS_KEY and STORAGE_S3_SECRET_KEY, or neither.")
        return [Warning(text, id="creativefilter.W002")]
    return []


def watched_folder_sentence() -> str:
    """Return what is wrong with ``INGEST_FOLDER`` as seen by this process; "" if nothing is."""
    folder = settings.INGEST_FOLDER
    if not folder or (Path(folder).is_dir() and os.access(folder, os.R_OK | os.X_OK)):
        return ""
    return _("INGEST_FOLDER=%s is not a folder that can be read here.") % folder

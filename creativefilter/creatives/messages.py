"""Sentences for every code that a creative or its job can end with."""

from __future__ import annotations

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from classifier.errors import ErrorCode
from creativefilter.creatives.models import Prediction
from creativefilter.jobs.messages import MESSAGES


def sentence(code: str) -> str:
    """The sentence for an error or reason code in the reader's language; "" for no code."""
    if code == Prediction.Reason.NO_SPEECH:
        return _("Nobody speaks in this creative and no words were read on its screen.")
    if code == "no_screen_reader":
        return _(
            "The words on the screen were not read: the text reader (Tesseract with its Russian "
            "data) is missing or does not work. Tell the administrator and analyse it again "
            "afterwards."
        )
    if code == "no_chromaprint":
        return _(
            "Near duplicates are looked for by their pictures alone: the library that compares "
            "sounds (chromaprint) is missing. Tell the administrator."
        )
    if code == "no_weights":
        return _(
            "Speech recognition could not be started. The file is kept; tell the administrator "
            "and analyse it again afterwards."
        )
    if code == "no_model":
        return _(
            "The model's files are damaged or belong to another version of the program. The file "
            "and what was heard and read in it are kept; tell the administrator and analyse it "
            "again afterwards."
        )
    if code == "deleted":
        return _("The creative was deleted before its turn came.")
    if code in MESSAGES:
        return str(MESSAGES[code])
    try:
        return ErrorCode(code).sentence(get_language() or "ru")
    except ValueError:
        return code

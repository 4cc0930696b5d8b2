"""Codes of creatives: media that can't be decoded (``classifier.errors``), and the analysis."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from creativefilter.site.codes.code import Code

CODES = {
    # Media that can't be decoded (``classifier.errors``)
    "not_found": Code(
        422, _("File not found: it was moved or deleted. Upload the creative again.")
    ),
    "not_media": Code(
        422,
        _(
            "This is neither audio nor video, whatever its extension says. "
            "Upload the creative itself (wav, mp4, avi, flv, webm, ogg)."
        ),
    ),
    "no_streams": Code(
        422,
        _("The file has neither a sound track nor a video track. Export the creative again."),
    ),
    "unsupported_codec": Code(
        422,
        _(
            "The creative is compressed with an unknown codec. "
            "Convert it, for example to mp4 (H.264 and AAC)."
        ),
    ),
    "damaged": Code(
        422,
        _(
            "The file is damaged: neither sound nor a single picture could be read. "
            "Download the creative from its source again."
        ),
    ),
    "too_long": Code(
        422,
        _("The creative is longer than allowed. Cut out the part you need and upload that."),
    ),
    "picture_too_large": Code(
        422,
        _(
            "The picture is larger than allowed. Lower the resolution of the video, for example "
            "to 1920×1080, and upload the creative again."
        ),
    ),
    "output_too_large": Code(
        422,
        _(
            "The file holds more sound or pictures than may be kept. "
            "Cut out the part you need and upload that."
        ),
    ),
    "memory_limit": Code(
        422,
        _(
            "Reading the file needed too much memory: it is too large or damaged. "
            "Convert the creative to a lower resolution or download it again."
        ),
    ),
    # Creatives and their analysis
    "no_speech": Code(
        None, _("There is no speech in this creative, and no text was found on its screen.")
    ),
    "no_screen_reader": Code(
        None,
        _(
            "The words on the screen were not read: the text reader (Tesseract with its Russian "
            "data) is missing or does not work. Tell the administrator and analyse it again "
            "afterwards."
        ),
    ),
    "no_chromaprint": Code(
        None,
        _(
            "Near duplicates are compared without sound: the library that compares sound "
            "(chromaprint) is missing. Tell the administrator."
        ),
    ),
    "no_weights": Code(
        500,
        _(
            "Speech recognition could not be started. The file is kept; tell the administrator "
            "and analyse it again afterwards."
        ),
    ),
    "no_model": Code(
        500,
        _(
            "No model version is active, or its files are damaged or belong to another version "
            "of the program. The creative, its transcript and its screen text are kept; tell the "
            "administrator and analyse it again afterwards."
        ),
    ),
    "deleted": Code(422, _("The creative was deleted before its analysis ended.")),
    "not_analysable": Code(409, _("The creative is already queued or being analysed.")),
    "unknown_segments": Code(
        409,
        _("%(version)s predicts segments that do not exist here: %(numbers)s. Add them first."),
    ),
    "nothing_to_analyse": Code(409, _("There is no file to analyse.")),
}

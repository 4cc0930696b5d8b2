"""Template context of the page of one creative."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from classifier.channels import SCREEN, SPEECH
from creativefilter.creatives.admin.family_page import family_of
from creativefilter.creatives.admin.prediction_text import deciding_words, marked, verdict_of
from creativefilter.creatives.analysis import twins, working_copies
from creativefilter.creatives.models import (
    Creative,
    Label,
    MediaVersion,
    Prediction,
    ScreenReading,
    Transcript,
)
from creativefilter.creatives.segments.directory import Directory, grouped
from creativefilter.site.codes import sentence

# Formats that browsers play. For others the decoded sound is played.
_VIDEO = {".mp4", ".webm", ".wbm"}
_AUDIO = {".wav", ".ogg", ".mp3", ".m4a", ".flac"}
# Shortest time for which a line of the screen text is shown, seconds.
_SHORTEST_SIGHT = 1.0
SAME_SHOWN = 20


def shown_prediction(creative: Creative) -> Prediction | None:
    """Return the prediction for the current media: of the active version, else the newest one."""
    rows = creative.predictions.filter(media=creative.current_media)
    rows = rows.select_related(
        "model_version", "segment", "transcript", "inputs", "parameters__settings"
    )
    return rows.order_by("-model_version__is_active", "-pk").first()


def page_of(creative: Creative) -> dict[str, Any]:
    """Return the template context, without the user's permissions."""
    media = creative.current_media
    prediction = shown_prediction(creative)
    label = creative.labels.select_related("segment", "author").first()
    directory = Directory.read()
    return {
        "creative": creative,
        "paid_by": [
            name for name in (creative.advertiser, creative.brand, creative.media_type) if name
        ],
        **(media_of(media, prediction) if media else {}),
        "error": sentence(creative.error_code),
        "prediction": prediction,
        **(verdict_of(prediction, directory) if prediction else {}),
        **_label_of(label, directory),
        "labels": creative.labels.select_related("segment", "author"),
        "segment_groups": grouped(directory.in_use()),
        "versions": creative.media.all(),
        "twins": list(twins.of(creative)[:SAME_SHOWN]),
        **family_of(creative, directory, _chosen(label, prediction, directory)),
    }


def _label_of(label: Label | None, directory: Directory) -> dict[str, Any]:
    """Return the label, the segment that it counts as, and a note if that is another one."""
    if label is None or label.segment_id is None:
        return {"label": None}
    return {
        "label": label,
        "labelled_as": directory.counted(label.segment_id),
        "merge": directory.merge_of(label.segment_id),
    }


def _chosen(label: Label | None, prediction: Prediction | None, directory: Directory) -> int | None:
    """Return the number of the segment that is preselected for labelling the family."""
    number = prediction.segment_id if prediction else None
    if label and label.segment_id is not None:
        number = label.segment_id
    return None if number is None else directory.counted(number).number


def media_of(media: MediaVersion, prediction: Prediction | None) -> dict[str, Any]:
    """Return the template context for the media version, its transcript and screen text."""
    transcript = media.transcripts.first()
    reading = media.readings.first()
    return {
        "player": player_of(media),
        "imported": not media.file,
        "frames": frames_of(media),
        "facts": facts_of(media),
        "transcript": transcript,
        "utterances": utterances_of(transcript, prediction) if transcript else [],
        "reading": reading,
        "problem": sentence(reading.problem) if reading else "",
        "screen": screen_of(reading, prediction) if reading else [],
    }


def player_of(media: MediaVersion) -> dict[str, str]:
    """Return the HTML tag that plays a media version, its address, and a note for the reader.

    The tag is "" if there is nothing to play.
    """
    if not media.file:
        note = _("Only a transcript was imported: there is no file to play.")
        return {"tag": "", "source": "", "note": note}
    suffix = Path(media.file.name or "").suffix
    original = reverse("api:media", args=[media.pk])
    has_video = bool(media.probe.get("video_codec"))
    if media.probe.get("looks_like"):
        suffix = ""  # the extension is false, and browsers go by it
    if suffix in _VIDEO and has_video:
        return {"tag": "video", "source": original, "note": ""}
    if suffix in _AUDIO and not has_video:
        return {"tag": "audio", "source": original, "note": ""}
    if not (working_copies.folder(media.pk) / working_copies.AUDIO).is_file():
        return {"tag": "", "source": "", "note": _("There is nothing to play yet.")}
    sound = reverse("api:working-copy", args=[media.pk, working_copies.AUDIO])
    note = _("Browsers do not play this format: you hear its sound and see its frames.")
    return {"tag": "audio", "source": sound, "note": note if has_video else ""}


def frames_of(media: MediaVersion) -> list[dict[str, Any]]:
    return [
        {
            "seconds": frame["seconds"],
            "address": reverse("api:working-copy", args=[media.pk, frame["file"]]),
        }
        for frame in media.probe.get("frames", [])
    ]


def facts_of(media: MediaVersion) -> list[tuple[str, str]]:
    """Return names and values of the file's properties; nothing without a file."""
    if not media.file:
        return []
    probe = media.probe
    facts = [(_("File"), media.original_name), (_("Size"), _("%d KB") % (media.size // 1024))]
    if media.container:
        facts.append((_("Container"), container_of(media)))
    if probe.get("video_codec"):
        picture = f"{probe['video_codec']}, {probe.get('width')}×{probe.get('height')}"
        facts.append((_("Picture"), picture))
    if probe.get("audio_codec"):
        rate = _("%s Hz") % probe.get("sample_rate")
        facts.append((_("Sound"), f"{probe['audio_codec']}, {rate}"))
    if media.seconds is not None:
        facts.append((_("Length"), _("%s s") % number_format(media.seconds, 1)))
    facts += spoken_facts_of(media)
    if media.partial:
        share = f"{media.share_read:.0%}" if media.share_read is not None else "?"
        facts.append((_("Damaged"), _("%s of it could be read") % share))
    return facts


def container_of(media: MediaVersion) -> str:
    """Return the container format, and the one that the name suggests if it differs."""
    named = media.probe.get("looks_like")
    if not named:
        return media.container
    return _("%(container)s, although its name says %(named)s") % {
        "container": media.container,
        "named": named,
    }


def spoken_facts_of(media: MediaVersion) -> list[tuple[str, str]]:
    """Return duration and pace of speech, if there is any."""
    share = media.shape.get("speech_share")
    if not share or media.seconds is None:
        return []
    spoken = _("%(seconds)s s, %(share)d%% of the length") % {
        "seconds": number_format(share * media.seconds, 1),
        "share": round(100 * share),
    }
    pace = _("%d words a minute") % round(60 * media.shape["words_per_second"])
    return [(_("Speech"), spoken), (_("Pace of speech"), pace)]


def utterances_of(transcript: Transcript, prediction: Prediction | None) -> list[dict[str, Any]]:
    """Return utterances with their times, deciding words marked.

    An imported transcript is one utterance without times.
    """
    words = deciding_words(prediction, SPEECH)
    utterances = transcript.utterances
    if not utterances and transcript.text:
        utterances = [{"start": None, "end": None, "text": transcript.text}]
    return [
        {
            "start": utterance["start"],
            "end": utterance["end"],
            "text": marked(utterance["text"], words),
        }
        for utterance in utterances
    ]


def screen_of(reading: ScreenReading, prediction: Prediction | None) -> list[dict[str, Any]]:
    """Return the lines of the screen text with their times, deciding words marked."""
    words = deciding_words(prediction, SCREEN)
    return [
        {
            "start": line["seconds"],
            "end": max(line["last_seen"], line["seconds"] + _SHORTEST_SIGHT),
            "text": marked(line["text"], words),
        }
        for line in reading.lines
    ]

"""What the page of one creative shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from creativefilter.creatives import derived
from creativefilter.creatives.messages import sentence
from creativefilter.creatives.models import Creative, MediaVersion, Prediction, Segment, Transcript

# What browsers play by themselves; of everything else the decoded sound is played.
_VIDEO = {".mp4", ".webm", ".wbm"}
_AUDIO = {".wav", ".ogg", ".mp3", ".m4a", ".flac"}
_WORD = re.compile(r"\w+(?:[-.,]\w+)*")


def page_of(creative: Creative) -> dict[str, Any]:
    """The context of the template, but for who may do what."""
    media = creative.current_media
    prediction = (
        creative.predictions.filter(media=media)
        .select_related("model_version", "segment", "transcript")
        .order_by("-model_version__is_active", "-pk")
        .first()
    )
    transcript = media.transcripts.first() if media else None
    label = creative.labels.select_related("segment", "author").first()
    segments = list(Segment.objects.all())
    return {
        "creative": creative,
        "player": player_of(media) if media else None,
        "frames": frames_of(media) if media else [],
        "facts": facts_of(media) if media else [],
        "error": sentence(creative.error_code),
        "prediction": prediction,
        "reason": sentence(prediction.reason) if prediction else "",
        "candidates": candidates_of(prediction, segments) if prediction else [],
        "evidence": prediction.evidence_of("speech") if prediction else [],
        "transcript": transcript,
        "utterances": utterances_of(transcript, prediction) if transcript else [],
        "label": label if label and label.segment else None,
        "labels": creative.labels.select_related("segment", "author"),
        "segments": segments,
        "versions": creative.media.all(),
    }


def player_of(media: MediaVersion) -> dict[str, str]:
    """Which element plays what. ``note`` says why only the sound can be heard."""
    suffix = Path(media.file.name or "").suffix
    original = reverse("api:media", args=[media.pk])
    has_video = bool(media.probe.get("video_codec"))
    if suffix in _VIDEO and has_video:
        return {"tag": "video", "source": original, "note": ""}
    if suffix in _AUDIO and not has_video:
        return {"tag": "audio", "source": original, "note": ""}
    if not (derived.folder(media.pk) / derived.AUDIO).is_file():
        return {"tag": "", "source": "", "note": _("There is nothing to play yet.")}
    sound = reverse("api:working-copy", args=[media.pk, derived.AUDIO])
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
    """Name and value of what is known of the file."""
    probe = media.probe
    facts = [(_("File"), media.original_name), (_("Size"), _("%d KB") % (media.size // 1024))]
    if media.container:
        facts.append((_("Container"), media.container))
    if probe.get("video_codec"):
        picture = f"{probe['video_codec']}, {probe.get('width')}×{probe.get('height')}"
        facts.append((_("Picture"), picture))
    if probe.get("audio_codec"):
        rate = _("%s Hz") % probe.get("sample_rate")
        facts.append((_("Sound"), f"{probe['audio_codec']}, {rate}"))
    if media.seconds is not None:
        facts.append((_("Length"), _("%s s") % number_format(media.seconds, 1)))
    if media.partial:
        share = f"{media.share_read:.0%}" if media.share_read is not None else "?"
        facts.append((_("Damaged"), _("%s of it could be read") % share))
    return facts


def candidates_of(prediction: Prediction, segments: list[Segment]) -> list[dict[str, Any]]:
    """The best three segments with percent, the decided one first."""
    by_number = {segment.number: segment for segment in segments}
    return [
        {"segment": by_number[number], "percent": round(100 * probability, 1)}
        for number, probability in prediction.candidates(3)
    ]


def utterances_of(transcript: Transcript, prediction: Prediction | None) -> list[dict[str, Any]]:
    """Utterances with their times; the words that decided are marked."""
    words = {
        word.casefold()
        for evidence in (prediction.evidence_of("speech") if prediction else [])
        for word in _WORD.findall(evidence["text"])
    }
    return [
        {
            "start": utterance["start"],
            "end": utterance["end"],
            "text": _marked(utterance["text"], words),
        }
        for utterance in transcript.utterances
    ]


def _marked(text: str, words: set[str]) -> SafeString:
    """The text, escaped, with the given words (casefolded) marked."""
    pieces: list[str] = []
    place = 0
    for match in _WORD.finditer(text):
        if match[0].casefold() in words:
            pieces.append(escape(text[place : match.start()]))
            pieces.append(f"<mark>{escape(match[0])}</mark>")
            place = match.end()
    pieces.append(escape(text[place:]))
    return mark_safe("".join(pieces))  # noqa: S308  (every piece is escaped above)

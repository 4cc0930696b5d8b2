"""Prediction on a creative's page: probabilities, channels, and the deciding words."""

from __future__ import annotations

import re
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from classifier.channels import PICTURES, SCREEN, SPEECH
from creativefilter.creatives.analysis import evidence
from creativefilter.creatives.analysis.decision import candidates, favourite
from creativefilter.creatives.channel_names import TITLES, channels_text
from creativefilter.creatives.models import Creative, Prediction
from creativefilter.creatives.segments.directory import Directory
from creativefilter.site.codes import sentence
from creativefilter.ui.formats import format_number, format_percent

_WORD = re.compile(r"\w+(?:[-.,]\w+)*")


def verdict_of(prediction: Prediction, directory: Directory) -> dict[str, Any]:
    """Return the template context for a prediction."""
    return {
        "reason": sentence(prediction.reason),
        "needs_person": prediction.decision == Prediction.Decision.REVIEW,
        "conflict": conflict_of(prediction, directory),
        "threshold": threshold_of(prediction),
        "unexplained": evidence.is_missing(prediction),
        "explaining": evidence.is_missing(prediction) and evidence.under_way(prediction),
        "candidates": [
            {
                "segment": directory.title(number),
                "criteria": directory.criteria(number),
                "percent": round(100 * probability, 1),
            }
            for number, probability in candidates(prediction, directory)
        ],
        "channels": channels_of(prediction, directory),
    }


def threshold_of(prediction: Prediction) -> str:
    """Describe by which threshold the decision was made; "" without a segment."""
    inputs, parameters = prediction.stored_inputs, prediction.parameters
    if prediction.probability is None:
        return ""
    if inputs is None or parameters is None:
        return _("Predicted by an older release, which did not store its threshold.")
    values = {
        "probability": format_number(prediction.probability, 3),
        "channels": channels_text(inputs.mask),
        "precision": format_percent(parameters.settings.precision),
    }
    if prediction.threshold is None:
        text = _("No probability is high enough for %(channels)s at %(precision)s.") % values
    else:
        reached = prediction.probability >= prediction.threshold
        sign = "≥" if reached else "<"
        least = format_number(prediction.threshold, 3)
        text = _("%(compared)s for %(channels)s at %(precision)s.") % {
            **values,
            "compared": f"{values['probability']} {sign} {least}",
        }
    if parameters.settings.mix:
        text = f"{text} {_('A mix of segments is taken into account.')}"
    return text


def conflict_of(prediction: Prediction, directory: Directory) -> str:
    """Describe which channel predicts which segment; "" without a conflict.

    Channels whose segments were merged meanwhile do not contradict each other.
    """
    if not prediction.conflict:
        return ""
    phrases = {
        SPEECH: _("the speech says %s"),
        SCREEN: _("the screen says %s"),
        PICTURES: _("the pictures say %s"),
    }
    best = {channel["name"]: favourite(channel, directory) for channel in prediction.channels}
    found = {one[0] for one in best.values() if one}
    if prediction.segment_id is not None:
        found.add(directory.counted_number(prediction.segment_id))
    if len(found) < 2:
        return ""
    parts = [phrases[name] % directory.title(one[0]) for name, one in best.items() if one]
    return _("The channels contradict each other: %s.") % "; ".join(parts)


def channels_of(prediction: Prediction, directory: Directory) -> list[dict[str, Any]]:
    """Return for each channel its best segment, deciding words and neighbours."""
    found = []
    for channel in prediction.channels:
        best = favourite(channel, directory)
        found.append(
            {
                "title": TITLES[channel["name"]],
                "segment": directory.title(best[0]) if best else None,
                "percent": round(100 * best[1]) if best else None,
                "evidence": channel.get("evidence", []),
                "alike": _alike(prediction, channel.get("neighbours", []), directory),
            }
        )
    return found


def _alike(
    prediction: Prediction, neighbours: list[dict[str, Any]], directory: Directory
) -> list[dict[str, Any]]:
    """Return the neighbours of a prediction that are other creatives and still exist."""
    numbered = {int(one["id"]): one for one in neighbours if one["id"].isdecimal()}
    numbered.pop(prediction.creative_id, None)
    here = Creative.objects.in_bulk(numbered) if numbered else {}
    return [
        {
            "creative": here[number],
            "segment": directory.title(directory.counted_number(one["segment"])),
            "percent": round(100 * one["similarity"]),
        }
        for number, one in numbered.items()
        if number in here
    ]


def deciding_words(prediction: Prediction | None, channel: str) -> set[str]:
    """Return the deciding words of a channel, casefolded, to be marked in its text."""
    if prediction is None:
        return set()
    rows = [row for row in prediction.channels if row["name"] == channel]
    found = [one["text"] for row in rows for one in row.get("evidence", [])]
    return {word.casefold() for text in found for word in _WORD.findall(text)}


def marked(text: str, words: set[str]) -> SafeString:
    """Escape a text and mark the given words (casefolded) in it."""
    pieces: list[str] = []
    place = 0
    for match in _WORD.finditer(text):
        if match[0].casefold() in words:
            pieces.append(escape(text[place : match.start()]))
            pieces.append(f"<mark>{escape(match[0])}</mark>")
            place = match.end()
    pieces.append(escape(text[place:]))
    return mark_safe("".join(pieces))  # noqa: S308  (every piece is escaped above)

"""What an answer about creatives is made of, fetched for a whole page at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from creativefilter.api.core.sparse_fields import asked_fields
from creativefilter.creatives.models import Creative, Prediction, ScreenReading, Transcript

# Left out of lists unless somebody asks for them.
LONG = frozenset({"transcript", "screen_text", "probabilities", "channels", "media"})


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a creative beside its own row; texts are "" where nobody asked."""

    prediction: Prediction | None
    transcript: str
    screen_text: str


def wanted(request: Any) -> frozenset[str]:
    """The long fields that ``?fields=`` of a list wants."""
    return LONG & asked_fields(request)


def base(long: Collection[str]) -> Any:
    """Creatives with all that an answer needs of their own row."""
    rows = Creative.objects.with_effective_segment().select_related("job", "current_media")
    if "media" not in long:
        rows = rows.defer("current_media__probe", "current_media__shape")
    return rows.defer("job__params", "job__result", "job__error_detail")


def tell(creatives: Sequence[Any], long: Collection[str]) -> None:
    """Sets ``told`` on rows of ``base``, in as many queries for five hundred as for one."""
    predictions = _predictions(creatives, long)
    media = [creative.current_media_id for creative in creatives]
    speech, screens = {}, {}
    if "transcript" in long:
        heard = Transcript.objects.filter(media__in=media).order_by("pk")
        speech = dict(heard.values_list("media", "speech"))
    if "screen_text" in long:
        read = ScreenReading.objects.filter(media__in=media, problem="").order_by("pk")
        screens = dict(read.values_list("media", "text"))
    for creative in creatives:
        creative.told = Told(
            predictions.get(creative.prediction),
            speech.get(creative.current_media_id, ""),
            screens.get(creative.current_media_id, ""),
        )


def _predictions(creatives: Sequence[Any], long: Collection[str]) -> dict[int, Prediction]:
    rows = Prediction.objects.select_related("model_version").defer("model_version__metrics")
    rows = rows.defer(*{"probabilities", "channels"} - set(long))
    return rows.in_bulk([each.prediction for each in creatives if each.prediction is not None])

"""Segments of the creatives that a table names, and counts of the answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import override

from creativefilter.creatives import ids
from creativefilter.creatives.models import Creative, Segment, WaitingLabel, counted_segment
from creativefilter.sheets import Broken
from creativefilter.sheets.rewrite import Key
from creativefilter.site.codes import sentence

# The columns that are added, in their order.
ADDED = ("Segment_num", "Segment", "probability", "reviewed", "status")
OK, UNKNOWN, BLANK, SHORTENED, BROKEN = "ok", "unknown", "blank", "shortened", "broken"
NOT_ANALYSED, FAILED = "not_analysed", "failed"
_WITHOUT_ID = {"id_blank": BLANK, "id_shortened": SHORTENED, "id_invalid": UNKNOWN}
# Further statuses are the values of ``Prediction.Reason``. The status ``FAILED`` is followed by a
# colon and the creative's error code, whose sentence is shown. The sentences are in ``site.codes``.

# IDs of one query; databases limit the number of its parameters.
BATCH = 500
# If more answers are cached, the cache is emptied before the next rows. Answers are cached because
# tables name the same advertisements again and again.
MAX_CACHED = 50_000


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer for one row. ``cells`` returns its new cells; a cell of None is blank.

    ``code`` is the status as a code. ``status``, the cell, is the same code or a sentence in the
    language of the table. ``probability`` is the model's probability of the segment; None unless
    the model predicts this segment. ``reviewed`` is "yes" if a person set the segment, else "no",
    in the language of the table; None if there is neither a creative nor a waiting label for the
    ID.
    """

    code: str
    number: int | None
    segment: str | None
    probability: float | None
    reviewed: str | None
    status: str

    def cells(self) -> tuple[int | float | str | None, ...]:
        """Return the new cells in the order of ``ADDED``."""
        return self.number, self.segment, self.probability, self.reviewed, self.status


class Answers:
    """Looks up answers.

    The segment of a creative is its effective segment, as everywhere: the newest label unless it
    is withdrawn, else the newest prediction of the active model version for the current media
    version. An ID without a stored creative has the segment of its waiting label, if there is one.

    Args:
        language: The language of the cells. "" means cells for programs: statuses are codes,
            segments have their Russian names, and ``reviewed`` is "yes" or "no".
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self._cache: dict[str, Answer] = {}
        with override(language or "ru"):
            self._titles = {
                segment.number: segment.title if language else segment.name
                for segment in Segment.objects.all()
            }

    def of(self, keys: Iterable[Key]) -> list[Answer]:
        """Return the answer to each row.

        Args:
            keys: the ID cell of each row, or the row itself if it can't be read.

        Returns:
            One answer for each key, in the same order.
        """
        parsed_keys = [_parsed_key(key) for key in keys]
        wanted = {name for name, _code in parsed_keys if name}
        if len(self._cache) > MAX_CACHED:
            self._cache.clear()
        missing = sorted(wanted - self._cache.keys())
        with override(self.language or "ru"):
            for start in range(0, len(missing), BATCH):
                self._look_up(missing[start : start + BATCH])
            without = {code: self._without_segment(code) for name, code in parsed_keys if not name}
        return [self._cache[name] if name else without[code] for name, code in parsed_keys]

    def _look_up(self, names: Sequence[str]) -> None:
        stored = Creative.objects.filter(advertisement_id__in=names).order_by()
        rows: Any = stored.with_effective_segment()
        found = self._waiting(names) | {
            row["advertisement_id"]: self._answer(row)
            for row in rows.values(
                "advertisement_id", "state", "error_code", "label_segment", "predicted_segment",
                "effective_segment", "probability", "reason",
            )
        }  # fmt: skip
        unknown = self._without_segment(UNKNOWN)
        self._cache.update({name: found.get(name, unknown) for name in names})

    def _waiting(self, names: Sequence[str]) -> dict[str, Answer]:
        """Return the answers of waiting labels, by Advertisement ID."""
        waiting = WaitingLabel.objects.filter(pk__in=names)
        rows = waiting.values_list("pk", counted_segment())
        return {name: self._classified(number, None, self._reviewed(True)) for name, number in rows}

    def _reviewed(self, labelled: bool) -> str:
        if self.language:
            return _("yes") if labelled else _("no")
        return "yes" if labelled else "no"

    def _answer(self, row: dict[str, Any]) -> Answer:
        reviewed = self._reviewed(row["label_segment"] is not None)
        number = row["effective_segment"]
        if number is None:
            code = row["reason"] or NOT_ANALYSED
            if not row["reason"] and row["state"] == Creative.State.FAILED:
                code = f"{FAILED}:{row['error_code']}"
            return self._without_segment(code, reviewed)
        probability = row["probability"] if row["predicted_segment"] == number else None
        return self._classified(number, probability, reviewed)

    def _classified(self, number: int, probability: float | None, reviewed: str) -> Answer:
        return Answer(
            OK,
            number,
            self._titles[number],
            None if probability is None else round(probability, 4),
            reviewed,
            sentence(OK) if self.language else OK,
        )

    def _without_segment(self, code: str, reviewed: str | None = None) -> Answer:
        status = code
        if self.language:
            status = sentence(code.removeprefix(f"{FAILED}:"))
        return Answer(code, None, None, None, reviewed, status)


def _parsed_key(key: Key) -> tuple[str, str]:
    """Return the Advertisement ID and ``OK``, or "" and the status of a row without a valid ID."""
    if isinstance(key, Broken):
        return "", BROKEN
    try:
        return ids.normal(key), OK
    except ids.IdError as error:
        return "", _WITHOUT_ID[error.code]


@dataclass(slots=True)
class Counts:
    """Numbers of rows: of all ``rows``, and by what the answer says.

    ``answered``: the row has a segment. ``silent``: the creative has neither speech nor screen
    text. ``unknown``: no creative is known for the row, or its ID is shortened or invalid, or the
    row can't be read. ``failed``: the creative's analysis failed, or there is no prediction yet.
    ``blank``: the row has no ID.
    """

    rows: int = 0
    answered: int = 0
    silent: int = 0
    unknown: int = 0
    failed: int = 0
    blank: int = 0

    def add(self, answers: Iterable[Answer]) -> Iterator[Answer]:
        """Count the answers and yield them."""
        for answer in answers:
            self.rows += 1
            name = answer.code.partition(":")[0]
            kind = _KINDS.get(name, "silent")
            setattr(self, kind, getattr(self, kind) + 1)
            yield answer


_KINDS = {
    OK: "answered", UNKNOWN: "unknown", SHORTENED: "unknown", BROKEN: "unknown", BLANK: "blank",
    NOT_ANALYSED: "failed", FAILED: "failed",
}  # fmt: skip

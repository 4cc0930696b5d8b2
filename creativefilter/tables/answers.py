"""What is known of the advertisements that a table names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import override

from creativefilter.creatives import ids
from creativefilter.creatives.models import Creative, Segment, WaitingLabel
from creativefilter.sheets import Broken
from creativefilter.sheets.rewrite import Key
from creativefilter.site.codes import sentence

# The columns that are added, in their order.
ADDED = ("Segment_num", "Segment", "probability", "reviewed", "status")
OK, UNKNOWN, BLANK, SHORTENED, BROKEN = "ok", "unknown", "blank", "shortened", "broken"
NOT_ANALYSED, FAILED = "not_analysed", "failed"
_WITHOUT_ID = {"id_blank": BLANK, "id_shortened": SHORTENED, "id_invalid": UNKNOWN}
# Besides these, a reason of ``Prediction.Reason``, and "failed:" with the code of the job.
# All of them have their sentence in ``site.codes``.
# So many IDs are asked for at once; databases limit the size of a question.
BATCH = 500
# Answers that are remembered: tables name the same advertisements over and over.
REMEMBERED = 50_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What stands beside a row: the cells of ``ADDED``; None is a blank one.

    ``code`` is the status for programs; ``status`` is that or a sentence. ``probability`` is the
    model's for this segment, and blank where a person decided otherwise.
    """

    code: str
    number: int | None
    segment: str | None
    probability: float | None
    reviewed: str | None
    status: str

    def cells(self) -> tuple[int | float | str | None, ...]:
        return self.number, self.segment, self.probability, self.reviewed, self.status


class Answers:
    """Answers in the words of one language, "" for the codes of programs.

    The effective segment counts, as everywhere: the newest label, also one that still waits for
    its creative, else the newest prediction of the active model version for the current media.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self._known: dict[str, Answer] = {}
        with override(language or "ru"):
            self._titles = {
                segment.number: segment.title if language else segment.name
                for segment in Segment.objects.all()
            }

    def of(self, keys: Iterable[Key]) -> list[Answer]:
        """The answer to each row, in their order."""
        given = [_read(key) for key in keys]
        wanted = {name for name, _code in given if name}
        if len(self._known) > REMEMBERED:
            self._known.clear()
        missing = sorted(wanted - self._known.keys())
        with override(self.language or "ru"):
            for start in range(0, len(missing), BATCH):
                self._ask(missing[start : start + BATCH])
            without = {code: self._without(code) for name, code in given if not name}
        return [self._known[name] if name else without[code] for name, code in given]

    def _ask(self, names: Sequence[str]) -> None:
        stored = Creative.objects.filter(advertisement_id__in=names).order_by()
        rows: Any = stored.with_effective_segment()
        found = self._waiting(names) | {
            row["advertisement_id"]: self._answer(row)
            for row in rows.values(
                "advertisement_id", "state", "error_code", "label_segment", "predicted_segment",
                "effective_segment", "probability", "reason",
            )
        }  # fmt: skip
        unknown = self._without(UNKNOWN)
        self._known.update({name: found.get(name, unknown) for name in names})

    def _waiting(self, names: Sequence[str]) -> dict[str, Answer]:
        """Answers of imported labels whose creatives are not here."""
        rows = WaitingLabel.objects.filter(pk__in=names).values_list("pk", "segment")
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
            return self._without(code, reviewed)
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

    def _without(self, code: str, reviewed: str | None = None) -> Answer:
        status = code
        if self.language:
            status = sentence(code.removeprefix(f"{FAILED}:"))
        return Answer(code, None, None, None, reviewed, status)


def _read(key: Key) -> tuple[str, str]:
    """The Advertisement ID of a row, or "" and the status for a row that has none."""
    if isinstance(key, Broken):
        return "", BROKEN
    try:
        return ids.normal(key), OK
    except ids.IdError as error:
        return "", _WITHOUT_ID[error.code]


@dataclass(slots=True)
class Counts:
    """How many rows got which answer. ``silent``: nothing is said or shown in the creative."""

    rows: int = 0
    answered: int = 0
    silent: int = 0
    unknown: int = 0
    failed: int = 0
    blank: int = 0

    def add(self, answers: Iterable[Answer]) -> Iterator[Answer]:
        """Counts the answers as they pass."""
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

"""Import of a table of labels, for creatives that exist or will arrive later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db import connection, transaction
from django.utils.translation import gettext as _

from creativefilter.accounts import audit
from creativefilter.creatives import ids
from creativefilter.creatives.models import Creative, Label, WaitingLabel, counted_segment
from creativefilter.creatives.refused_rows import CellError, RefusedRow
from creativefilter.creatives.segments.cells import SegmentCells
from creativefilter.creatives.segments.directory import Directory
from creativefilter.sheets import Cell, Finding, Place, Record

Value = TypeVar("Value", int, str)
Item = TypeVar("Item", int, str)
BATCH = 500


@dataclass(frozen=True, slots=True)
class Cleaned(Generic[Value]):
    """The usable rows of a table: the value of each Advertisement ID, and its first row.

    ``changed`` are the IDs that the table spells differently.
    """

    values: dict[str, Value]
    rows: dict[str, Place]
    problems: list[RefusedRow]
    changed: ids.Changed


@dataclass(frozen=True, slots=True)
class OverruledRow:
    """A row that was not used because a person had set another label before.

    ``segment`` is the person's label, None where it was withdrawn; ``given`` is the table's.
    """

    row: Place
    advertisement_id: str
    segment: int | None
    given: int


@dataclass(frozen=True, slots=True)
class LabelOutcome:
    """Result of importing a table of labels.

    ``added``: new labels of existing creatives. ``waiting``: labels of creatives that do not
    exist yet; ``new`` of these are new or changed. ``unchanged``: creatives that had this label
    already. ``overruled``: rows overruled by a person's label. ``mix``: number of Advertisement IDs
    by segment number. ``findings``: about IDs and merged segments.
    """

    added: int
    waiting: int
    new: int
    unchanged: int
    overruled: list[OverruledRow]
    problems: list[RefusedRow]
    mix: dict[int, int]
    findings: list[Finding]


def cleaned(records: Iterable[Record], read: Callable[[Cell], Value]) -> Cleaned[Value]:
    """Read Advertisement ID and value of each row; ``read`` may raise ``CellError``.

    An ID that is repeated with the same value counts once. With different values none of its rows
    is used: only the author of the table knows which one is right.
    """
    found: dict[str, dict[Value, list[Place]]] = {}
    problems: list[RefusedRow] = []
    changed = ids.Changed()
    for record in records:
        if record.problem:
            problems.append(RefusedRow(record.place, record.problem))
            continue
        cell, raw = record.cells
        try:
            name, value = changed.note(ids.read(cell)), read(raw)
        except (ids.IdError, CellError) as error:
            problems.append(RefusedRow(record.place, str(error)))
            continue
        found.setdefault(name, {}).setdefault(value, []).append(record.place)
    values: dict[str, Value] = {}
    first: dict[str, Place] = {}
    for name, rows_by_value in found.items():
        places = sorted(row for rows in rows_by_value.values() for row in rows)
        if len(rows_by_value) == 1:
            [values[name]] = rows_by_value
            first[name] = places[0]
        else:
            reason = _(
                "%(id)s has different values in the rows %(rows)s: none of them is used."
            ) % {
                "id": name,
                "rows": ", ".join(map(str, places)),
            }
            problems += [RefusedRow(row, reason) for row in places]
    return Cleaned(values, first, sorted(problems, key=lambda problem: problem.row), changed)


def import_labels(records: Iterable[Record], source: str, *, dry_run: bool = False) -> LabelOutcome:
    """Add the labels of a table.

    A creative that has the label already gets no second one. A person's label or withdrawal is
    never overruled. A label of a creative that does not exist yet waits for it; the newest import
    wins. All rows are one transaction.

    Args:
        records: rows with the cells Advertisement ID and segment.
        source: name of the table, stored as the note of each label.
        dry_run: roll the transaction back at the end.
    """
    cells = SegmentCells(Directory.read())
    table = cleaned(records, cells.read_in_use)
    with transaction.atomic():
        _write_alone()
        creatives = _creatives(list(table.values))
        here = {name: table.values[name] for name in creatives}
        absent = {name: n for name, n in table.values.items() if name not in creatives}
        newest = _newest_labels(list(creatives.values()))
        labels: list[Label] = []
        overruled: list[OverruledRow] = []
        for name, number in here.items():
            segment, by_person = newest.get(creatives[name], (None, False))
            if segment == number:
                continue
            if by_person:
                overruled.append(OverruledRow(table.rows[name], name, segment, number))
            else:
                labels.append(Label(creative_id=creatives[name], segment_id=number, note=source))
        Label.objects.bulk_create(labels, batch_size=BATCH)
        new = _let_wait(absent, source)
        audit.record(audit.Action.LABELS_IMPORTED, source, added=len(labels), waiting=len(absent))
        if dry_run:
            transaction.set_rollback(True)
    return LabelOutcome(
        added=len(labels),
        waiting=len(absent),
        new=new,
        unchanged=len(here) - len(labels) - len(overruled),
        overruled=sorted(overruled, key=lambda each: each.row),
        problems=table.problems,
        mix=dict(sorted(Counter(table.values.values()).items())),
        findings=[*table.changed.findings(), *cells.findings()],
    )


def _creatives(names: Sequence[str]) -> dict[str, int]:
    """Return the keys of the existing creatives by Advertisement ID."""
    return {
        str(name): pk
        for batch in batches(names)
        for name, pk in Creative.objects.filter(advertisement_id__in=batch).values_list(
            "advertisement_id", "pk"
        )
    }


def _newest_labels(creatives: Sequence[int]) -> dict[int, tuple[int | None, bool]]:
    """Return what the newest label of each creative counts as, and whether a person set it."""
    return {
        creative: (segment, author is not None)
        for batch in batches(creatives)
        for creative, segment, author in Label.objects.filter(creative__in=batch)
        .order_by("pk")
        .values_list("creative", counted_segment(), "author")
    }


def _let_wait(absent: Mapping[str, int], source: str) -> int:
    """Store waiting labels that are new or changed; return their number."""
    known = {
        name: segment
        for batch in batches(list(absent))
        for name, segment in WaitingLabel.objects.filter(pk__in=batch).values_list(
            "pk", counted_segment()
        )
    }
    new = [
        WaitingLabel(advertisement_id=name, segment_id=number, source=source)
        for name, number in absent.items()
        if known.get(name) != number
    ]
    WaitingLabel.objects.bulk_create(
        new,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["advertisement_id"],
        update_fields=["segment", "source", "created_at"],
    )
    return len(new)


def take_waiting(creatives: Iterable[Creative]) -> None:
    """Turn waiting labels into labels; call it in the transaction that adds the creatives.

    A waiting label of a creative that a person has labelled is dropped.
    """
    arrived = {creative.advertisement_id: creative.pk for creative in creatives}
    # FOR UPDATE waits for a running import of labels (see _write_alone).
    waiting = WaitingLabel.objects.select_for_update().filter(
        pk__in=[name for name in arrived if name]
    )
    newest = _newest_labels([arrived[label.advertisement_id] for label in waiting])
    by_people = {creative for creative, (_segment, by_person) in newest.items() if by_person}
    Label.objects.bulk_create(
        Label(
            creative_id=arrived[label.advertisement_id],
            segment_id=label.segment_id,
            note=label.source,
        )
        for label in waiting
        if arrived[label.advertisement_id] not in by_people
    )
    waiting.delete()


def _write_alone() -> None:
    """Block other writers of labels until this transaction ends; readers go on.

    A person's label set meanwhile is then newer than the import's, and no label is left waiting
    for a creative that has just arrived. SQLite has one writer anyway.
    """
    if connection.vendor == "postgresql":
        # The order in which take_waiting locks them, which prevents a deadlock.
        tables = f"{WaitingLabel._meta.db_table}, {Label._meta.db_table}"
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {tables} IN EXCLUSIVE MODE")


def batches(items: Sequence[Item]) -> Iterable[Sequence[Item]]:
    """Split the items into lists of at most ``BATCH``, for one query each."""
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))

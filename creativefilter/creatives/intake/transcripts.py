"""Import of existing transcripts as creatives without a file."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from classifier.speech.cleaning import Speech, assess_speech
from creativefilter.creatives.families import exam_set
from creativefilter.creatives.families.lock import lock
from creativefilter.creatives.labels.imports import batches, cleaned, take_waiting
from creativefilter.creatives.models import Creative, MediaVersion, Transcript
from creativefilter.creatives.refused_rows import RefusedRow
from creativefilter.sheets import Cell, Finding, Record

ENGINE = "imported"
LANGUAGE = "ru"


@dataclass(frozen=True, slots=True)
class TranscriptOutcome:
    """Numbers of creatives that an import of transcripts added, changed or left alone.

    ``changed`` existed with another text or without one, ``unchanged`` with the same text.
    ``with_file`` have a media file, whose own transcript counts. ``findings`` are about the IDs.
    """

    added: int
    changed: int
    unchanged: int
    with_file: int
    problems: list[RefusedRow]
    findings: list[Finding]


def import_transcripts(
    records: Iterable[Record], source: str, advance: Callable[[int], Any]
) -> TranscriptOutcome:
    """Store the texts of a table as transcripts of creatives.

    Creatives end in the state DONE with a transcript and no prediction. Each batch is one
    transaction; an import that was interrupted can be repeated.

    Args:
        records: rows with the cells Advertisement ID and text.
        source: name of the table, stored as the name of the media version.
        advance: called with the size of each batch after its commit.
    """
    table = cleaned(records, _text)
    counts: Counter[str] = Counter()
    for names in batches(list(table.values)):
        counts += _import({name: table.values[name] for name in names}, source)
        advance(len(names))
    return TranscriptOutcome(
        added=counts["added"],
        changed=counts["changed"],
        unchanged=counts["unchanged"],
        with_file=counts["with_file"],
        problems=table.problems,
        findings=table.changed.findings(),
    )


def _text(cell: Cell) -> str:
    return str(cell).replace("\x00", "")  # PostgreSQL can't store NUL


def _import(texts: Mapping[str, str], source: str) -> Counter[str]:
    # Before the transaction: it takes a while, and writers wait for one another.
    speeches = {name: assess_speech(text) for name, text in texts.items()}
    with transaction.atomic():
        lock()
        added = _add_absent(list(texts))
        creatives = _locked(list(texts))
        versions = {
            (media.creative_id, media.sha256): media
            for media in MediaVersion.objects.filter(creative__in=creatives, file="")
        }
        counts = Counter(added=added, with_file=len(texts) - len(creatives))
        fresh: dict[str, MediaVersion] = {}
        changed: list[Creative] = []
        for creative in creatives:
            name = str(creative.advertisement_id)
            sha256 = _digest(texts[name])
            media = versions.get((creative.pk, sha256))
            if media is None:
                media = fresh[name] = MediaVersion(
                    creative=creative, original_name=source, sha256=sha256, size=0
                )
            elif creative.current_media_id == media.pk:
                continue
            creative.current_media = media
            changed.append(creative)
        MediaVersion.objects.bulk_create(fresh.values())
        Transcript.objects.bulk_create(
            _transcript(media, texts[name], speeches[name]) for name, media in fresh.items()
        )
        _show_done(changed)
        exam_set.assign(creative.pk for creative in changed)
    counts["changed"] = len(changed) - added
    counts["unchanged"] = len(creatives) - len(changed)
    return counts


def _digest(text: str) -> str:
    """SHA-256 of a text, prefixed so that it differs from that of a file with the same bytes."""
    return hashlib.sha256(b"transcript\n" + text.encode()).hexdigest()


def _add_absent(names: list[str]) -> int:
    """Create the creatives that do not exist yet, with the labels that waited for them.

    Returns how many. A creative that an upload creates at the same moment does not count.
    """
    here = Creative.objects.filter(advertisement_id__in=names)
    known = set(here.values_list("advertisement_id", flat=True))
    Creative.objects.bulk_create(
        [
            Creative(advertisement_id=name, name=name, state=Creative.State.DONE)
            for name in names
            if name not in known
        ],
        ignore_conflicts=True,
    )
    arrived = list(here.exclude(advertisement_id__in=known).filter(media=None))
    # Before any creative is locked: this may wait for an import of labels, which needs these rows.
    take_waiting(arrived)
    return len(arrived)


def _locked(names: list[str]) -> list[Creative]:
    """Lock these creatives until the transaction ends; return those without a media file."""
    rows = Creative.objects.select_for_update().filter(advertisement_id__in=names)
    locked = list(rows.order_by("pk"))
    # A second query: the locking one does not see rows that were added while it waited.
    files = MediaVersion.objects.filter(creative__in=locked).exclude(file="")
    with_file = set(files.values_list("creative", flat=True))
    return [creative for creative in locked if creative.pk not in with_file]


def _transcript(media: MediaVersion, text: str, speech: Speech) -> Transcript:
    return Transcript(
        media=media,
        engine=ENGINE,
        model=media.original_name,
        language=LANGUAGE,
        text=text,
        speech=speech.text,
        spoken=speech.spoken,
        seconds_taken=0,
    )


def _show_done(creatives: list[Creative]) -> None:
    """Set the state DONE and detach the job, so that a job on an earlier text saves nothing."""
    for creative in creatives:
        creative.state = Creative.State.DONE
        creative.error_code = ""
        creative.job = None
    Creative.objects.bulk_update(
        creatives, ["current_media", "state", "error_code", "job"], batch_size=200
    )

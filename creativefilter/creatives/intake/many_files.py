"""Intake of many files: each is taken in or refused with a reason, and none stops the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.files.base import File
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from creativefilter.creatives.intake import id_tables, receiving
from creativefilter.creatives.intake.file_names import display_name
from creativefilter.creatives.models import Creative
from creativefilter.jobs.kinds import ResultText
from creativefilter.jobs.models import Job
from creativefilter.site.codes import CodedError

# Refusals that are listed one by one.
REFUSED_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that was refused: its name as shown, and the code and sentence of the error."""

    file: str
    code: str
    message: str


@dataclass(slots=True)
class Tally:
    """Counts of the files taken in, known and refused so far."""

    new: int = 0
    known: int = 0
    refused: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    last_refusal: str = ""

    def refuse(self, name: str, why: CodedError) -> None:
        self.refused += 1
        self.last_refusal = str(why)
        if len(self.refusals) < REFUSED_SHOWN:
            self.refusals.append(Refusal(display_name(name), why.code, str(why)))

    @classmethod
    def of(cls, result: Mapping[str, Any]) -> Tally:
        """Restore a tally from its ``as_result``."""
        refusals = [Refusal(**refusal) for refusal in result["refusals"]]
        return cls(result["new"], result["known"], result["refused"], refusals)

    def add(self, other: Tally) -> None:
        self.new += other.new
        self.known += other.known
        self.refused += other.refused
        self.refusals += other.refusals[: REFUSED_SHOWN - len(self.refusals)]

    def as_result(self) -> dict[str, Any]:
        """Return plain JSON values for ``Job.result``."""
        refusals = [asdict(refusal) for refusal in self.refusals]
        return {
            "new": self.new, "known": self.known, "refused": self.refused, "refusals": refusals
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """The creative of a file; ``job`` analyses it, None if the file was known."""

    creative: Creative
    job: Job | None


def take(
    file: File[bytes], name: str, tally: Tally, *, owner: User | None, ids: Mapping[str, str]
) -> IntakeResult | None:
    """Take in one file and count it in ``tally``; known files get no new job.

    Args:
        file: the content.
        name: file name; its number or ``ids`` give the Advertisement ID.
        tally: counts the file.
        owner: who uploaded it, if anyone.
        ids: Advertisement IDs by file name, as ``id_tables.read`` returns them.

    Returns:
        The creative with its job, if there is a new one; None if the file is refused.
    """
    try:
        received = receiving.receive(
            file,
            name,
            owner=owner,
            advertisement_id=id_tables.id_of(name, ids),
            urgency=Job.Urgency.BATCH,
            again=False,
        )
    except receiving.AlreadyReceived as known:
        tally.known += 1
        return IntakeResult(known.creative, None)
    except CodedError as error:
        tally.refuse(name, error)
        return None
    tally.new += 1
    return IntakeResult(received.creative, received.job)


def take_path(
    path: Path, tally: Tally, *, owner: User | None, ids: Mapping[str, str]
) -> IntakeResult | None:
    """Call ``take`` for a file on this machine; one that can't be opened is refused."""
    try:
        file = path.open("rb")
    except OSError:
        tally.refuse(path.name, CodedError("unreadable"))
        return None
    with file:
        return take(File(file), path.name, tally, owner=owner, ids=ids)


def result_text(job: Job) -> ResultText:
    """Describe the result of a job that took files in, for the job's page."""
    result = job.result or {}
    counts = {name: result.get(name, 0) for name in ("new", "known", "refused")}
    sentences = []
    if counts["new"]:
        text = ngettext("%d file was added.", "%d files were added.", counts["new"])
        sentences.append(text % counts["new"])
    if counts["known"]:
        text = ngettext(
            "%d file was already stored.", "%d files were already stored.", counts["known"]
        )
        sentences.append(text % counts["known"])
    if counts["refused"]:
        text = ngettext("%d file was refused.", "%d files were refused.", counts["refused"])
        sentences.append(text % counts["refused"])
    rows = [(row["file"], row["message"]) for row in result.get("refusals", [])]
    if len(rows) < counts["refused"]:
        sentences.append(_("The first %d of those that were refused:") % len(rows))
    return ResultText(sentences or [_("There was nothing to add.")], rows)

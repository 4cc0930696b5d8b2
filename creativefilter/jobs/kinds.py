"""What kinds of work exist. Each app registers its own; this app knows none by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from creativefilter.jobs.models import Job
from creativefilter.site.codes import sentence
from creativefilter.site.lanes import Resource

Save = Callable[[], dict[str, Any] | None]


class JobError(Exception):
    """Work that can't succeed however often it is tried: a code for people, a detail for logs."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class NotYet(Exception):  # noqa: N818 (nothing went wrong)
    """A stage has to wait for other work: the next sweep sends it again, no worker is held.

    ``percent`` is the job's progress until then.
    """

    def __init__(self, percent: int) -> None:
        super().__init__(percent)
        self.percent = percent


class Continued(Exception):  # noqa: N818 (nothing went wrong)
    """A stage of many parts has done some, and lets others have their turn: it is queued again.

    ``percent`` is the job's progress until then, ``params`` are those it goes on with.
    """

    def __init__(self, percent: int, params: dict[str, Any]) -> None:
        super().__init__(percent)
        self.percent = percent
        self.params = params


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a kind of work.

    ``work`` computes, without writing what counts, and returns ``save``; ``save`` writes to the
    database in the transaction that also moves the job on, so a late worker whose claim was taken
    over leaves no trace. While the database is away ``save`` is called again and again: it must
    not use up what it needs. What the last ``save`` returns becomes the job's result. ``name`` is
    an English word that is shown translated: mark it with ``gettext_noop``.
    """

    name: str
    resource: Resource
    work: Callable[[Job], Save]


def nothing(_job: Job) -> None:
    """What a kind does that has nothing to do."""


def by_code(job: Job) -> str:
    """The sentence for the code that the job ended with."""
    return sentence(job.error_code)


@dataclass(frozen=True, slots=True)
class ResultText:
    """A job's result in the reader's language: sentences, and rows of a name and a sentence."""

    sentences: list[str]
    rows: list[tuple[str, str]]


def no_result_text(_job: Job) -> ResultText | None:
    """Return None: the result of this kind is not shown to people."""
    return None


@dataclass(frozen=True, slots=True)
class Subject:
    """What jobs of a kind are about: a row of ``model`` (``app.Model``), its key in ``param``."""

    model: str
    param: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of work: its stages in order, and what to write beside a job that failed.

    ``name`` is shown translated, as those of the stages. ``on_failed``, ``on_cancelled`` and
    ``on_retried`` write in the transaction that ends or restarts the job. ``explain`` says in the
    reader's language why a job failed, ``tell`` what came of one that is done. ``forget`` removes
    the files of a job that was deleted.
    """

    name: str
    stages: tuple[Stage, ...]
    on_failed: Callable[[Job], None]
    on_cancelled: Callable[[Job], None] = nothing
    on_retried: Callable[[Job], None] = nothing
    explain: Callable[[Job], str] = by_code
    subject: Subject | None = None
    forget: Callable[[Job], None] = nothing
    tell: Callable[[Job], ResultText | None] = no_result_text

    def stage(self, name: str) -> Stage:
        return next(stage for stage in self.stages if stage.name == name)

    def stages_before(self, name: str) -> int:
        return [stage.name for stage in self.stages].index(name)

    def after(self, name: str) -> Stage | None:
        index = self.stages_before(name) + 1
        return self.stages[index] if index < len(self.stages) else None

    def percent(self, name: str) -> int:
        """The share of stages that lie before this one, 0-100."""
        return 100 * self.stages_before(name) // len(self.stages)


_KINDS: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    _KINDS[kind.name] = kind
    return kind


def get(name: str) -> Kind:
    """The kind of that name; raises ``KeyError`` if no installed app registered it."""
    return _KINDS[name]


def find(name: str) -> Kind | None:
    """The kind of that name; None for a job whose app is gone."""
    return _KINDS.get(name)


def every() -> list[Kind]:
    return list(_KINDS.values())

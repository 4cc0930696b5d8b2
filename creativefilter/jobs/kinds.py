"""Registry of job kinds. Each app registers its own kinds; this app names none of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from creativefilter.jobs.models import Job
from creativefilter.site.codes import sentence
from creativefilter.site.lanes import Resource

Save = Callable[[], dict[str, Any] | None]


class JobError(Exception):
    """A stage can't succeed, however often it is tried: the job fails at once.

    Args:
        code: A code of ``site/codes/``, whose sentence is shown to people.
        detail: Technical reason, for logs and the job's page.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class NotYet(Exception):  # noqa: N818 (nothing went wrong)
    """A stage has to wait for other jobs: its job goes back to the queue until the next sweep.

    Args:
        percent: Progress of the job until then, 0-100.
    """

    def __init__(self, percent: int) -> None:
        super().__init__(percent)
        self.percent = percent


class Continued(Exception):  # noqa: N818 (nothing went wrong)
    """A stage did some of its parts and queues its job again, so that other jobs get a turn.

    Args:
        percent: Progress of the job until then, 0-100.
        params: The job's new ``params``, from which the stage continues.
    """

    def __init__(self, percent: int, params: dict[str, Any]) -> None:
        super().__init__(percent)
        self.percent = percent
        self.params = params


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a kind.

    Attributes:
        name: An English word, shown translated: mark it with ``gettext_noop``.
        resource: What a worker must have to run the stage.
        work: Computes and returns ``save``. MUST NOT write results to the database itself.
            ``save`` writes them in the transaction that moves the job to its next stage, so a
            worker whose claim was taken over writes nothing. ``save`` is repeated while the
            database is unreachable: it MUST NOT consume its input. The return value of the last
            stage's ``save`` becomes the job's result.
    """

    name: str
    resource: Resource
    work: Callable[[Job], Save]


def nothing(_job: Job) -> None:
    """Do nothing; the default of a kind's hooks."""


def by_code(job: Job) -> str:
    """Return the sentence of the job's error code in the reader's language."""
    return sentence(job.error_code)


@dataclass(frozen=True, slots=True)
class ResultText:
    """A job's result in the reader's language: sentences, and (name, sentence) rows."""

    sentences: list[str]
    rows: list[tuple[str, str]]


def no_result_text(_job: Job) -> ResultText | None:
    """Return None: the result of this kind is not shown to people."""
    return None


@dataclass(frozen=True, slots=True)
class Subject:
    """The row that a job works on.

    Attributes:
        model: Its model as ``app.Model``.
        param: The entry of the job's ``params`` that holds its primary key.
    """

    model: str
    param: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job: its stages in order, and hooks for its end.

    Attributes:
        name: An English word, shown translated, as are the names of stages.
        stages: The stages in order.
        on_failed: Writes other rows in the transaction in which a job fails.
        on_cancelled: The same for a cancelled job.
        on_retried: The same for a job that is started again.
        explain: Returns in the reader's language why a job failed.
        subject: The row that a job works on, for links.
        remove_files: Removes the files of a job whose row was deleted.
        result_text: Returns the result of a done job in words, or None.
    """

    name: str
    stages: tuple[Stage, ...]
    on_failed: Callable[[Job], None]
    on_cancelled: Callable[[Job], None] = nothing
    on_retried: Callable[[Job], None] = nothing
    explain: Callable[[Job], str] = by_code
    subject: Subject | None = None
    remove_files: Callable[[Job], None] = nothing
    result_text: Callable[[Job], ResultText | None] = no_result_text

    def stages_before(self, name: str) -> int:
        """Return how many stages come before the stage of that name."""
        return [stage.name for stage in self.stages].index(name)

    def after(self, name: str) -> Stage | None:
        """Return the stage that follows the stage of that name; None after the last one."""
        index = self.stages_before(name) + 1
        return self.stages[index] if index < len(self.stages) else None

    def percent(self, name: str) -> int:
        """Return the share of stages before the stage of that name, 0-100."""
        return 100 * self.stages_before(name) // len(self.stages)


_KINDS: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    _KINDS[kind.name] = kind
    return kind


def get(name: str) -> Kind:
    """Return the kind of that name; raises ``KeyError`` if no installed app registered it."""
    return _KINDS[name]


def find(name: str) -> Kind | None:
    """Return the kind of that name; None if no installed app registered it."""
    return _KINDS.get(name)


def find_stage(kind: str, stage: str) -> tuple[Kind, Stage] | None:
    """Return the kind and the stage of these names; None if no installed app registered them."""
    if found := find(kind):
        for each in found.stages:
            if each.name == stage:
                return found, each
    return None


def registered() -> list[Kind]:
    return list(_KINDS.values())

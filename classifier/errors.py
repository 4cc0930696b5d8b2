"""Error codes and exceptions of the classifier. The application has a sentence for each code."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class ErrorCode(StrEnum):
    """Why a file gives no result. Jobs store the values: never rename one, only add."""

    NOT_FOUND = "not_found"
    UNREADABLE = "unreadable"
    EMPTY = "empty"
    NOT_MEDIA = "not_media"
    NO_STREAMS = "no_streams"
    UNSUPPORTED_CODEC = "unsupported_codec"
    DAMAGED = "damaged"
    TOO_LONG = "too_long"
    TOO_LARGE = "too_large"
    PICTURE_TOO_LARGE = "picture_too_large"
    OUTPUT_TOO_LARGE = "output_too_large"
    TIMED_OUT = "timed_out"
    MEMORY_LIMIT = "memory_limit"
    INTERNAL = "internal"


class WeightsCode(StrEnum):
    """Why a neural model cannot be loaded.

    The docstring of a code lists the facts that its sentence needs.
    """

    UNKNOWN_ENGINE = "unknown_speech_engine"
    """engine, engines"""
    UNKNOWN_MODEL = "unknown_speech_model"
    """model, file, names"""
    NO_FOLDER = "no_model_folder"
    """model"""
    NOT_LOADED = "model_not_loaded"
    """library, model, reason"""
    NOT_A_CHECKPOINT = "not_a_checkpoint"
    """path"""
    OTHER_ENGINE = "weights_of_other_engine"
    """file"""
    COMPUTE_TYPE = "compute_type_unavailable"
    """compute_type, device"""
    NOT_WRITTEN = "weights_not_written"
    """folder, reason"""
    NOT_INSTALLED = "weights_not_installed"
    """model, packages (as pip takes them)"""
    DAMAGED = "weights_damaged"
    """model, file, packages"""
    INCOMPLETE = "weights_incomplete"
    """model, missing"""
    NOT_XCLIP = "not_xclip"
    """model"""


class ScreenCode(StrEnum):
    """Why screen text cannot be read on this computer."""

    NO_ENGINE = "no_tesseract"
    NO_RUSSIAN = "no_tesseract_russian"
    NO_DETECTOR = "no_text_detector"
    """package"""
    FAILED = "tesseract_failed"
    """reason"""


class TooFewRowsError(ValueError):
    """There are too few labelled texts for folds.

    ``families``: the number of families of near duplicates. ``segments``: the number of segments
    with two of these families or more. ``least``: the number of families that are needed.
    """

    def __init__(self, families: int, segments: int, least: int) -> None:
        super().__init__(
            f"{families} families of near duplicates, {segments} segments with two of them or "
            f"more: at least {least} and 2 are needed"
        )
        self.families = families
        self.segments = segments
        self.least = least


class MediaError(Exception):
    """A media file that cannot be analysed.

    ``code`` is the reason, for users and programs; ``detail`` is technical and meant for logs.
    """

    def __init__(self, code: ErrorCode, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}" if self.detail else str(self.code)


class _ErrorWithFacts(Exception):  # noqa: N818 - a base class
    """An error with the ``facts`` for the sentence of its ``code``; ``str(error)`` is for logs."""

    def __init__(self, code: StrEnum, facts: Mapping[str, str] | None = None) -> None:
        super().__init__(code, facts)
        self.code = code
        self.facts = dict(facts or {})

    def __str__(self) -> str:
        facts_text = ", ".join(f"{name} {value}" for name, value in self.facts.items())
        return f"{self.code}: {facts_text}" if facts_text else str(self.code)


class WeightsError(_ErrorWithFacts):
    """A neural model cannot be loaded: its weights are missing, wrong or unreachable."""

    def __init__(self, code: WeightsCode, facts: Mapping[str, str] | None = None) -> None:
        super().__init__(code, facts)

    @classmethod
    def not_loaded(cls, library: str, model: str, cause: Exception) -> WeightsError:
        """Return the error for an exception that the library raised while it loaded ``model``."""
        reason = str(cause).splitlines()[0] if str(cause) else type(cause).__name__
        facts = {"library": library, "model": model, "reason": reason}
        return cls(WeightsCode.NOT_LOADED, facts)


class ScreenUnavailable(_ErrorWithFacts):
    """Screen text cannot be read on this computer. The technical cause, if any, is chained."""

    def __init__(self, code: ScreenCode, facts: Mapping[str, str] | None = None) -> None:
        super().__init__(code, facts)

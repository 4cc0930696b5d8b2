"""Errors: their codes, their text for logs, and pickling."""

from __future__ import annotations

import pickle

from classifier.errors import ErrorCode, MediaError, WeightsCode, WeightsError


def test_media_error_has_code_and_detail() -> None:
    error = MediaError(ErrorCode.TOO_LONG, "more than 48000 samples")
    assert error.code is ErrorCode("too_long")
    assert str(error) == "too_long: more than 48000 samples"
    assert str(MediaError(ErrorCode.EMPTY)) == "empty"


def test_weights_error_keeps_its_facts_when_pickled() -> None:
    error = WeightsError(WeightsCode.INCOMPLETE, {"model": "m", "missing": "layer.0"})
    assert str(error) == "weights_incomplete: model m, missing layer.0"
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - written in this line
    assert (again.code, again.facts) == (error.code, error.facts)


def test_codes_are_unique() -> None:
    from classifier.errors import ScreenCode

    codes = [*ErrorCode, *WeightsCode, *ScreenCode]
    assert len(set(map(str, codes))) == len(codes)

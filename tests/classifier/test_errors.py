"""Errors name a code; what a log gets and what survives a process border."""

from __future__ import annotations

import pickle

from classifier.errors import ErrorCode, MediaError, WeightsCode, WeightsError


def test_an_error_names_its_code_and_keeps_the_detail_for_logs() -> None:
    error = MediaError(ErrorCode.TOO_LONG, "more than 48000 samples")
    assert error.code is ErrorCode("too_long")
    assert str(error) == "too_long: more than 48000 samples"
    assert str(MediaError(ErrorCode.EMPTY)) == "empty"


def test_facts_come_along_to_logs_and_to_other_processes() -> None:
    error = WeightsError(WeightsCode.INCOMPLETE, {"model": "m", "missing": "layer.0"})
    assert str(error) == "weights_incomplete: model m, missing layer.0"
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - written in this line
    assert (again.code, again.facts) == (error.code, error.facts)


def test_no_two_codes_are_the_same() -> None:
    from classifier.errors import ScreenCode

    codes = [*ErrorCode, *WeightsCode, *ScreenCode]
    assert len(set(map(str, codes))) == len(codes)

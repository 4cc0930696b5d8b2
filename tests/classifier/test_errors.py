"""Every reason has words for the people who read it."""

from __future__ import annotations

import re

import pytest

from classifier.errors import ErrorCode, MediaError


@pytest.mark.parametrize("code", list(ErrorCode))
def test_a_reason_is_a_russian_and_an_english_sentence(code: ErrorCode) -> None:
    russian, english = code.sentence("ru"), code.sentence("en")
    assert re.search("[а-яё]", russian)
    assert not re.search("[а-яё]", english, re.IGNORECASE)
    for sentence in (russian, english):
        assert sentence.endswith(".")
        assert 40 < len(sentence) < 200


def test_sentences_tell_the_reasons_apart() -> None:
    assert len({code.sentence() for code in ErrorCode}) == len(ErrorCode)


def test_russian_is_the_default_and_regional_codes_are_understood() -> None:
    damaged = ErrorCode.DAMAGED
    assert damaged.sentence() == damaged.sentence("ru") == damaged.sentence("ru-RU")
    assert damaged.sentence("en-us") == damaged.sentence("en")
    assert damaged.sentence().startswith("Файл повреждён")


def test_an_error_names_its_code_and_keeps_the_detail_for_logs() -> None:
    error = MediaError(ErrorCode.TOO_LONG, "more than 48000 samples")
    assert error.code is ErrorCode("too_long")
    assert str(error) == "too_long: more than 48000 samples"
    assert str(MediaError(ErrorCode.EMPTY)) == "empty"
    assert "48000" not in error.code.sentence()

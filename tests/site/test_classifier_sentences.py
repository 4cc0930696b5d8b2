"""Every code that the classifier raises has a sentence in both languages."""

from __future__ import annotations

import re

import pytest
from django.utils import translation

from classifier import errors
from classifier.errors import ErrorCode, ScreenCode, WeightsCode
from creativefilter.site.codes import CODES

RAISED = [*ErrorCode, *WeightsCode, *ScreenCode]


class AnyFact(dict[str, str]):
    """A value for whatever placeholder a sentence has."""

    def __missing__(self, name: str) -> str:
        return f"<{name}>"


def told(code: str, language: str) -> str:
    with translation.override(language):
        return str(CODES[code].sentence % AnyFact())


@pytest.mark.parametrize("code", RAISED)
def test_a_code_is_a_russian_and_an_english_sentence(code: str) -> None:
    russian, english = told(code, "ru"), told(code, "en")
    assert re.search("[а-яё]", russian)
    assert not re.search("[а-яё]", english, re.IGNORECASE)
    assert re.findall("<.*?>", russian) == re.findall("<.*?>", english)
    if code in set(ErrorCode):
        for one in (russian, english):
            assert one.endswith(".")
            assert 10 < len(one) < 200


def test_sentences_tell_the_codes_apart() -> None:
    assert len({told(code, "ru") for code in RAISED}) == len(RAISED)


def test_regional_languages_are_understood() -> None:
    assert told(ErrorCode.DAMAGED, "ru-RU") == told(ErrorCode.DAMAGED, "ru")
    assert told(ErrorCode.DAMAGED, "ru").startswith("Файл повреждён")


@pytest.mark.parametrize("codes", [WeightsCode, ScreenCode])
def test_the_placeholders_are_the_facts_that_the_code_names(codes: type[WeightsCode]) -> None:
    """The line below each code in ``errors`` lists its facts."""
    from pathlib import Path

    source = Path(errors.__file__).read_text(encoding="utf-8")
    for code in codes:
        found = re.search(rf'= "{code}"\n    """(.*?)"""', source)
        facts = set(re.findall(r"\w+", re.sub(r"\(.*?\)", "", found[1]))) if found else set()
        assert set(re.findall("<(.*?)>", told(code, "en"))) == facts, code

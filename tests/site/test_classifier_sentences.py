"""Every code that the classifier raises has a sentence in both languages."""

from __future__ import annotations

import re

import pytest
from django.utils import translation

from classifier import errors
from classifier.errors import ErrorCode, ScreenCode, TooFewRowsError, WeightsCode
from creativefilter.site.codes import CODES
from creativefilter.site.sentences import sentence_of

RAISED = [*ErrorCode, *WeightsCode, *ScreenCode]


class AnyFact(dict[str, str]):
    """Parameters that fill each placeholder with its name in angle brackets."""

    def __missing__(self, name: str) -> str:
        return f"<{name}>"


def sentence_in(code: str, language: str) -> str:
    with translation.override(language):
        return str(CODES[code].sentence % AnyFact())


@pytest.mark.parametrize("code", RAISED)
def test_each_code_has_a_sentence_in_both_languages(code: str) -> None:
    russian, english = sentence_in(code, "ru"), sentence_in(code, "en")
    assert re.search("[а-яё]", russian)
    assert not re.search("[а-яё]", english, re.IGNORECASE)
    assert re.findall("<.*?>", russian) == re.findall("<.*?>", english)
    if code in set(ErrorCode):
        for one in (russian, english):
            assert one.endswith(".")
            assert 10 < len(one) < 200


def test_each_code_has_its_own_sentence() -> None:
    assert len({sentence_in(code, "ru") for code in RAISED}) == len(RAISED)


def test_too_few_rows_have_a_sentence_with_their_numbers_in_both_languages() -> None:
    error = TooFewRowsError(families=3, segments=1, least=8)
    with translation.override("ru"):
        assert re.findall(r"\d+", sentence_of(error)) == ["8", "3", "1"]
        assert re.search("[а-яё]", sentence_of(error))
    with translation.override("en"):
        assert sentence_of(error).endswith(
            "at least 8 families of near duplicates and two segments"
            " with two families or more; here are 3 and 1."
        )


def test_regional_language_codes_use_the_base_language() -> None:
    assert sentence_in(ErrorCode.DAMAGED, "ru-RU") == sentence_in(ErrorCode.DAMAGED, "ru")
    assert sentence_in(ErrorCode.DAMAGED, "ru").startswith("Файл повреждён")


@pytest.mark.parametrize("codes", [WeightsCode, ScreenCode])
def test_the_placeholders_are_the_facts_in_the_docstring_of_the_code(
    codes: type[WeightsCode],
) -> None:
    """In ``classifier.errors``, the docstring below a code lists its facts."""
    from pathlib import Path

    source = Path(errors.__file__).read_text(encoding="utf-8")
    for code in codes:
        found = re.search(rf'= "{code}"\n    """(.*?)"""', source)
        facts = set(re.findall(r"\w+", re.sub(r"\(.*?\)", "", found[1]))) if found else set()
        assert set(re.findall("<(.*?)>", sentence_in(code, "en"))) == facts, code

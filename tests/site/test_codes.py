"""The catalogue of codes holds exactly what the program raises, each code once."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation

from classifier.errors import ErrorCode, ScreenCode, WeightsCode
from creativefilter.creatives.models import Prediction
from creativefilter.site.codes import CODES, CodedError, engines, sentence, status_of

ROOT = Path(__file__).resolve().parent.parent.parent
CATALOGUE = ROOT / "creativefilter" / "site" / "codes"
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
# What makes an error or an outcome of a code, and which of its arguments that is.
MAKERS = {
    "CodedError": 0, "SheetError": 0, "SpendFileError": 0, "EndpointError": 0,
    "AddressError": 0, "JobError": 0, "Unavailable": 0, "Outcome": 1, "sentence": 0,
    "status_of": 0,
}  # fmt: skip


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """The program without its catalogue and without migrations."""
    for folder in ("classifier", "creativefilter", "tasks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if CATALOGUE not in path.parents and "migrations" not in path.parts:
                yield path, ast.parse(path.read_text("utf-8"))


def named(call: ast.Call) -> str:
    return getattr(call.func, "id", "") or getattr(call.func, "attr", "")


def raised() -> dict[str, str]:
    """Every code that stands in the source where an error or an outcome is made, and where."""
    found = {str(code): "classifier.errors" for code in (*ErrorCode, *WeightsCode, *ScreenCode)}
    found |= {str(reason): "Prediction.Reason" for reason in Prediction.Reason}
    for path, module in modules():
        for node in ast.walk(module):
            if not isinstance(node, ast.Call) or named(node) not in MAKERS:
                continue
            arguments = node.args[MAKERS[named(node)] :]
            if arguments and isinstance(arguments[0], ast.Constant):
                code = arguments[0].value
                if isinstance(code, str):
                    found[code] = f"{path.relative_to(ROOT)}:{node.lineno}"
    return found


def test_every_code_that_is_raised_is_in_the_catalogue() -> None:
    found = raised()
    assert len(found) > 60
    assert {code: place for code, place in found.items() if code not in CODES} == {}


def test_every_code_of_the_catalogue_is_used() -> None:
    texts = {
        node.value
        for _path, module in modules()
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert sorted(CODES.keys() - texts) == []


def test_no_code_stands_twice() -> None:
    keys = [
        key.value
        for path in CATALOGUE.glob("*.py")
        if path.name != "__init__.py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    ]
    assert [code for code, times in Counter(keys).items() if times > 1] == []
    assert set(keys) >= CODES.keys()


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_code_has_a_sentence_in_both_languages(code: str) -> None:
    params = {"count": 2}
    with translation.override("ru"):
        russian = sentence(code, params)
    with translation.override("en"):
        english = sentence(code, params)
    assert CYRILLIC.search(russian), russian
    assert not CYRILLIC.search(english), english
    assert "%" not in russian + english


def rows_of_the_document() -> list[str]:
    """The catalogue as docs/api.md shows it."""
    with translation.override("en"):
        return [
            f"| {entry.status or '–'} | `{code}` | {sentence(code, {'count': 1000})} |"
            for code, entry in CODES.items()
            # Commands and logs alone tell of engines: no request is answered with these.
            if code not in engines.CODES
        ]


def test_the_document_shows_the_catalogue() -> None:
    """Where it does not: replace its table by ``rows_of_the_document()``."""
    document = (ROOT / "docs" / "api.md").read_text("utf-8")
    table = document.split("## Codes of files, jobs and webhooks")[1].split("\n## ")[0]
    assert re.findall(r"^\| (?:\d|–).*$", table, re.M) == rows_of_the_document()


def test_parameters_fill_the_sentence_and_gaps_are_shown() -> None:
    with translation.override("en"):
        error = CodedError("table_missing_column", columns="Year, Month")
        assert str(error) == "The table lacks these columns: Year, Month."
        assert sentence("table_missing_column") == "The table lacks these columns: …."
        assert sentence("") == ""
        assert sentence("written_by_an_older_version") == "written_by_an_older_version"


def test_a_status_is_that_of_the_catalogue() -> None:
    assert CodedError("too_large").status == status_of("too_large") == 413
    assert status_of("no_speech") == status_of("written_by_an_older_version") == 500
    statuses = {entry.status for entry in CODES.values()}
    assert statuses == {None, 400, 409, 413, 422, 429, 500, 503, 507}

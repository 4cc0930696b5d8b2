"""The catalogue contains exactly the codes that the program uses, each once."""

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
# Functions and classes that take a code, and the position of that argument.
CODE_ARGUMENTS = {
    "CodedError": 0, "SheetError": 0, "SpendFileError": 0, "EndpointError": 0,
    "AddressError": 0, "JobError": 0, "Unavailable": 0, "Outcome": 1, "sentence": 0,
    "status_of": 0,
}  # fmt: skip


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """Yield the modules of the program without the catalogue and migrations."""
    for folder in ("classifier", "creativefilter", "tasks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if CATALOGUE not in path.parents and "migrations" not in path.parts:
                yield path, ast.parse(path.read_text("utf-8"))


def name_of(call: ast.Call) -> str:
    return getattr(call.func, "id", "") or getattr(call.func, "attr", "")


def codes_in_sources() -> dict[str, str]:
    """Return every code that the sources pass as a literal, with its place."""
    found = {str(code): "classifier.errors" for code in (*ErrorCode, *WeightsCode, *ScreenCode)}
    found |= {str(reason): "Prediction.Reason" for reason in Prediction.Reason}
    for path, module in modules():
        for node in ast.walk(module):
            if not isinstance(node, ast.Call) or name_of(node) not in CODE_ARGUMENTS:
                continue
            arguments = node.args[CODE_ARGUMENTS[name_of(node)] :]
            if arguments and isinstance(arguments[0], ast.Constant):
                code = arguments[0].value
                if isinstance(code, str):
                    found[code] = f"{path.relative_to(ROOT)}:{node.lineno}"
    return found


def test_every_code_that_is_raised_is_in_the_catalogue() -> None:
    found = codes_in_sources()
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


def test_each_code_is_defined_once() -> None:
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
    """Return the catalogue as the table rows of docs/api.md."""
    with translation.override("en"):
        return [
            f"| {entry.status or '–'} | `{code}` | {sentence(code, {'count': 1000})} |"
            for code, entry in CODES.items()
            # No request is answered with these: they appear only in commands and logs.
            if code not in engines.CODES
        ]


def test_the_document_shows_the_catalogue() -> None:
    """If this fails, replace the table in docs/api.md by ``rows_of_the_document()``."""
    document = (ROOT / "docs" / "api.md").read_text("utf-8")
    table = document.split("## Codes of files, jobs and webhooks")[1].split("\n## ")[0]
    assert re.findall(r"^\| (?:\d|–).*$", table, re.M) == rows_of_the_document()


def test_parameters_fill_the_sentence_and_missing_ones_show_dots() -> None:
    with translation.override("en"):
        error = CodedError("table_missing_column", columns="Year, Month")
        assert str(error) == "The table lacks these columns: Year, Month."
        assert sentence("table_missing_column") == "The table lacks these columns: …."
        assert sentence("") == ""
        assert sentence("written_by_an_older_version") == "written_by_an_older_version"


def test_the_status_comes_from_the_catalogue() -> None:
    assert CodedError("too_large").status == status_of("too_large") == 413
    # Old jobs store former codes.
    assert status_of("spend_too_large") == status_of("table_too_large") == 400
    assert status_of("no_speech") == status_of("written_by_an_older_version") == 500
    statuses = {entry.status for entry in CODES.values()}
    assert statuses == {None, 400, 409, 413, 422, 429, 500, 503, 507}

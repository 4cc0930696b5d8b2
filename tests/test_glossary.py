"""Words that the glossary retires are in no name, comment, docstring or document."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tests.stack import ROOT

GLOSSARY = ROOT / "docs" / "glossary.md"
FOLDERS = ("classifier", "creativefilter", "tasks", "tests", "benchmarks", "tools", "demo")
WORD = re.compile(r"[A-Za-z]+")
WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def retired_words() -> set[str]:
    """The first column of the last table of the glossary."""
    rows = GLOSSARY.read_text("utf-8").partition("## Retired words")[2].splitlines()
    cells = [row.split("|")[1] for row in rows if row.startswith("|")]
    return {word.strip() for cell in cells[2:] for word in cell.split(",")}


def prose_and_names(source: str) -> Iterator[tuple[int, str]]:
    """Comments, docstrings and names of a module with their line numbers; no other strings."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.COMMENT, tokenize.NAME):
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, WITH_DOCSTRING) and (text := ast.get_docstring(node)):
            yield node.body[0].lineno, text


def words_of(text: str) -> set[str]:
    """Words in lower case; names are split at underscores and capitals."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return {word.lower() for word in WORD.findall(parted)}


def modules() -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def test_the_glossary_retires_words() -> None:
    assert {"anew", "nobody", "told"} <= retired_words()
    assert words_of("what_was_toldOf nobody's # anew") >= {"told", "nobody", "anew"}


def test_code_uses_no_retired_word() -> None:
    retired = retired_words()
    found = [
        f"{path.relative_to(ROOT)}:{line}: {', '.join(sorted(words))}"
        for path in modules()
        for line, text in prose_and_names(path.read_text("utf-8"))
        if (words := words_of(text) & retired)
    ]
    assert found == []


def test_documents_use_no_retired_word() -> None:
    retired = retired_words()
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    found = [
        f"{path.name}: {', '.join(sorted(words))}"
        for path in documents
        if (words := words_of(path.read_text("utf-8").partition("## Retired words")[0]) & retired)
    ]
    assert found == []

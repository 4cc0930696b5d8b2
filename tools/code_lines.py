"""Count the lines of Python code by folder.

A line counts if it holds code: blank lines, comments and docstrings do not. Tests, benchmarks and
migrations are left out. Print a row for each folder, two levels deep, and the total.

    python tools/code_lines.py [FOLDER]
"""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import tokenize
from collections import Counter
from pathlib import Path

LEFT_OUT = {"tests", "benchmarks", "migrations"}
NO_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
    tokenize.ENCODING, tokenize.ENDMARKER,
}  # fmt: skip
WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def docstring_lines(source: str) -> set[int]:
    """Numbers of the lines that the docstrings of a module take."""
    found: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, WITH_DOCSTRING) and ast.get_docstring(node, clean=False) is not None:
            first = node.body[0]
            found.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return found


def code_lines(source: str) -> int:
    """Return how many lines of a module hold code; all lines of a multi-line token count."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - docstring_lines(source))


def main() -> None:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    listed = subprocess.run(
        ["git", "ls-files", "*.py"], cwd=root, check=True, capture_output=True, text=True
    )
    counts: Counter[str] = Counter()
    for name in map(Path, listed.stdout.splitlines()):
        if LEFT_OUT.isdisjoint(name.parts) and (root / name).exists():
            counts["/".join(name.parts[:-1][:2]) or "."] += code_lines((root / name).read_text())
    for folder, count in sorted(counts.items()):
        print(f"{count:7,}  {folder}")
    print(f"{counts.total():7,}  in all")


if __name__ == "__main__":
    main()

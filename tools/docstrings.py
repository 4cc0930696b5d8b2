"""List public functions whose docstring leaves out a shape or an exception; fail if there are any.

    python tools/docstrings.py

If a function takes or returns an array, its docstring has to give a shape. If it has a ``raise``
statement with an exception class, the docstring has to name the class under ``Raises:``. Two kinds
of exceptions need not be named: those that a framework expects from methods of that name
(``PROTOCOL``), such as ``ValidationError`` from ``clean``, and those that become responses
(``ANSWERS``), from functions with an argument ``request``. Only ``FOLDERS`` are searched, without
migrations.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("classifier", "creativefilter", "tasks")
ARRAYS = re.compile(r"\b(NDArray|ndarray|Tensor|csr_matrix|spmatrix|Audio|Floats|Ints)\b")
SHAPE = re.compile(r"\bshape[ds]?\b|\([a-z0-9_ ]+,[a-z0-9_, ]*\)|\blength\b|scalar", re.IGNORECASE)
# Exceptions that Python, Django, DRF or ``site.commands`` expects from methods of these names.
PROTOCOL = {
    "CommandError": r"handle|add_arguments",
    "UsageError": r"handle",
    "UserError": r"handle",
    "ValidationError": r"clean\w*|validate\w*|to_internal_value|run_validation|__call__",
    "PermissionDenied": r"has_\w+|dispatch|initial|check_\w+",
    "AuthenticationFailed": r"authenticate\w*",
    "AttributeError": r"__getattr__|__setattr__",
    "KeyError": r"__getitem__",
    "StopIteration": r"__next__",
    "NotImplementedError": r"\w+",
}
# Django and DRF turn these into responses if a view raises them.
ANSWERS = {"Http404", "PermissionDenied", "Problem", "Conflict"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """Yield the public functions of a module and methods of public classes, with dotted names."""

    def walk(node: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, Function]]:
        for child in node.body:
            if isinstance(child, ast.ClassDef) and not child.name.startswith("_"):
                yield from walk(child, f"{prefix}{child.name}.")
            elif isinstance(child, Function) and _is_public(child.name):
                yield f"{prefix}{child.name}", child

    yield from walk(tree, "")


def _is_public(name: str) -> bool:
    return not name.startswith("_") or name in ("__call__", "__init__", "__iter__", "__next__")


def findings(function: Function) -> Iterator[str]:
    """Yield what the docstring of a function leaves out."""
    docstring = ast.get_docstring(function) or ""
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    notes = [each.annotation for each in arguments] + [function.returns]
    arrays = [note for note in notes if note is not None and ARRAYS.search(ast.unparse(note))]
    if arrays and not SHAPE.search(docstring):
        yield "takes or returns an array, but its docstring gives no shape"
    section = docstring.partition("Raises:")[2]
    answered = ANSWERS if any(each.arg == "request" for each in arguments) else set()
    for name in sorted(set(_raised(function)) - answered):
        if name not in section and not re.fullmatch(PROTOCOL.get(name, r"-"), function.name):
            yield f"raises {name}, but its docstring does not name it under Raises:"


def _raised(function: Function) -> Iterator[str]:
    """Yield the names of the exception classes in a function's ``raise`` statements.

    Nested functions and classes are left out, as are variables that are raised again.
    """
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, Function | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(node, ast.Raise) and node.exc is not None:
            called = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            name = ast.unparse(called).rsplit(".", 1)[-1]
            if name[:1].isupper():
                yield name
        waiting += ast.iter_child_nodes(node)


def main() -> int:
    count = 0
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            for name, function in functions(ast.parse(path.read_text("utf-8"))):
                for finding in findings(function):
                    count += 1
                    print(f"{path.relative_to(ROOT)}:{function.lineno}: {name} {finding}")
    print(f"{count} findings")
    return int(count > 0)


if __name__ == "__main__":
    sys.exit(main())

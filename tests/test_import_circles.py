"""No module imports itself through other modules."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("classifier", "creativefilter", "tasks", "benchmarks")

Imports = dict[str, set[str]]


@pytest.mark.parametrize("room", ROOMS)
def test_no_module_imports_itself_through_others(room: str) -> None:
    assert circles(imports_of(ROOT, ROOMS), room) == []


def test_packages_of_the_classifier_form_no_circle() -> None:
    packages: Imports = {}
    for module, imported in imports_of(ROOT, ("classifier",)).items():
        home = _package(module)
        packages.setdefault(home, set()).update(_package(one) for one in imported)
    for home, others in packages.items():
        others.discard(home)

    assert circles(packages, "classifier") == []


def test_imports_in_functions_and_under_type_checking_are_followed(tmp_path: Path) -> None:
    room = tmp_path / "room"
    (room / "sub").mkdir(parents=True)
    (room / "__init__.py").touch()
    (room / "sub" / "__init__.py").write_text("")
    (room / "a.py").write_text("from room import b\n")
    (room / "b.py").write_text("def late():\n    import room.sub.c\n")
    (room / "sub" / "c.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..a import thing\n"
    )
    (room / "d.py").write_text("from room.a import thing\n")

    assert circles(imports_of(tmp_path, ("room",)), "room") == [["room.a", "room.b", "room.sub.c"]]


def imports_of(root: Path, rooms: tuple[str, ...]) -> Imports:
    """Return the modules that each module of the packages ``rooms`` imports from them.

    Imports in functions and under ``TYPE_CHECKING`` count.
    """
    files: dict[str, Path] = {}
    for room in rooms:
        for path in (root / room).rglob("*.py"):
            parts = path.relative_to(root).with_suffix("").parts
            files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return {name: set(_imported(name, path, files)) - {name} for name, path in files.items()}


def _imported(name: str, path: Path, known: dict[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            if node.level:
                package = name if path.name == "__init__.py" else name.rpartition(".")[0]
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                source = ".".join([*above, *([source] if source else [])])
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                if inner in known:
                    yield inner
                elif source in known:
                    yield source


def circles(imports: Imports, room: str) -> list[list[str]]:
    """Return the import cycles (strongly connected components) with a member in ``room``."""
    reached = {name: _reached(name, imports) for name in imports}
    found = {
        frozenset(other for other in reached[name] if name in reached[other]) for name in imports
    }
    return sorted(
        sorted(one)
        for one in found
        if len(one) > 1 and any(f"{name}.".startswith(f"{room}.") for name in one)
    )


def _reached(name: str, imports: Imports) -> set[str]:
    reachable: set[str] = set()
    pending = list(imports[name])
    while pending:
        one = pending.pop()
        if one not in reachable:
            reachable.add(one)
            pending += imports.get(one, ())
    return reachable


def _package(module: str) -> str:
    """Return the first two parts of a module's name, such as ``classifier.speech``."""
    return ".".join(module.split(".")[:2])

"""Every error of the core has an answer on every surface."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import tidings.errors
from tidings.errors import TidingsError
from tidings.surfaces.company import errors as company
from tidings.surfaces.native import errors as native
from tidings.surfaces.personal import errors as personal
from tidings.surfaces.scoped import errors as scoped


def tree(error: type[TidingsError]) -> Iterator[type[TidingsError]]:
    """The error and all that it has below it; what a surface adds for itself is not of the tree."""
    yield error
    for below in error.__subclasses__():
        if below.__module__ == TidingsError.__module__:
            yield from tree(below)


CODES = {error.code for error in tree(TidingsError)}
TABLES: dict[str, Mapping[str, Any]] = {
    "native": native.STATUS,
    "scoped": scoped.STATUS,
    "personal": personal.ANSWERS,
    "company": company.ANSWERS,
}
OWN = {"company": {"id_required"}}


@pytest.mark.parametrize("surface", TABLES)
def test_every_code_has_an_answer_on_every_surface(surface: str) -> None:
    assert set(TABLES[surface]) - OWN.get(surface, set()) == CODES


def test_every_error_has_a_code_of_its_own_and_a_message() -> None:
    errors = list(tree(TidingsError))

    assert len(errors) == len(CODES)
    assert all((error.__doc__ or "").strip() for error in errors)


def test_the_drawing_at_the_top_shows_every_error() -> None:
    drawing = tidings.errors.__doc__ or ""

    assert [error.__name__ for error in tree(TidingsError) if error.__name__ not in drawing] == []


RESERVED = {
    "error": "what nobody foresaw",
    "conflict": "the root of those that have a name",
}
"""Codes that nothing raises by name, and what they stand in the tables for."""


def made(tree_of: ast.AST) -> Iterator[str]:
    """The names of what is raised or made."""
    for node in ast.walk(tree_of):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name):
            yield node.exc.id
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


def test_every_code_can_come_about_or_is_reserved() -> None:
    source = Path(tidings.errors.__file__).parent
    names = {name for path in source.rglob("*.py") for name in made(ast.parse(path.read_text()))}

    never = {error.code for error in tree(TidingsError) if error.__name__ not in names}
    assert never == set(RESERVED)

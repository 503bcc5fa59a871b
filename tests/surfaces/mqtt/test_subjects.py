"""The packages with a module per subject: `routes`, `schema`, `render`, `handlers`."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

import folkmoot.surfaces.mqtt as mqtt
from folkmoot.surfaces.mqtt import render, routes, schema

SURFACE = Path(mqtt.__file__).parent


def subjects(package: str) -> list[Path]:
    return [path for path in sorted((SURFACE / package).glob("*.py")) if path.stem != "__init__"]


def public_names(path: Path) -> list[str]:
    """What a module defines at its top level, without what it imports."""
    found = list[str]()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.append(node.name)
        elif isinstance(node, ast.Assign):
            found += [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.append(node.target.id)
    return [name for name in found if not name.startswith("_")]


@pytest.mark.parametrize("package", [schema, render])
def test_a_name_stands_for_one_thing_whatever_the_subject(package: object) -> None:
    """The subjects share one namespace: a second `Settings` would silently take the place of the first."""
    paths = subjects(package.__name__.rpartition(".")[2])  # type: ignore[attr-defined]
    names = [name for path in paths for name in public_names(path)]
    assert not [name for name, times in Counter(names).items() if times > 1]
    assert not {path.stem for path in paths} & set(names)
    assert not [name for name in names if not hasattr(package, name)], "a module is missing in __init__"


def test_every_subject_with_operations_is_in_the_table() -> None:
    bound = {each.handler.__module__.rpartition(".")[2] for each in routes.OPERATIONS}
    assert bound == {path.stem for path in subjects("routes")}
    assert bound <= {path.stem for path in subjects("handlers")}

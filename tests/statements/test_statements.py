"""Whether each statement a server can break is named by a test."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

import folkmoot

from . import NAMES, STATEMENTS, V5, V311


def _named(version: int) -> set[str]:
    modules = [import_module(f"{__package__}.{path.stem}") for path in Path(__file__).parent.glob("test_*.py")]
    tests = [value for module in modules for name, value in vars(module).items() if name.startswith("test_")]
    return set().union(*(test.statements[version] for test in tests if hasattr(test, "statements")))


@pytest.mark.parametrize("version", [V311, V5], ids=NAMES.get)
def test_each_statement_a_server_can_break_is_named_by_a_test(version: int) -> None:
    named = _named(version)
    assert {one.number for one in STATEMENTS[version] if one.who == "server"} - named == set()
    assert named - {one.number for one in STATEMENTS[version]} == set()


@pytest.mark.parametrize(("version", "count"), [(V311, 141), (V5, 251)])
def test_each_statement_stands_once_and_says_who_and_what(version: int, count: int) -> None:
    statements = STATEMENTS[version]
    assert len({one.number for one in statements}) == len(statements) == count
    assert {one.who for one in statements} == {"server", "client", "out"}
    assert all(": " in one.asks for one in statements if one.who == "out")


def test_marks_in_the_program_name_statements_there_are() -> None:
    known = {one.number for statements in STATEMENTS.values() for one in statements}
    found = {
        (path.name, mark)
        for path in Path(folkmoot.__path__[0]).rglob("*.py")
        for mark in re.findall(r"\[(MQTT-[^]]*)\]", path.read_text())
    }
    assert {mark for _, mark in found}, "there are some"
    assert {(name, mark) for name, mark in found if mark not in known} == set()

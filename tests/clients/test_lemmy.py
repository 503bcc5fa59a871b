"""lemmy-js-client with the whole program, over both transports; the story is in lemmy.js."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import folkmoot.surfaces.forum
from tests.clients import node
from tests.whole.program import Program, running

SCRIPT = Path(__file__).with_name("lemmy.js")
PACKAGE = node.PACKAGES / "lemmy-js-client" / "dist"
README = Path(folkmoot.surfaces.forum.__file__).with_name("README.md").read_text()
DOORS = {"http": "http.d.ts", "ws": "websocket.d.ts"}


@pytest.fixture(scope="module")
def forum(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A program with an administrator and nothing else in it."""
    first = {"FOLKMOOT_ADMIN_USERNAME": "boss", "FOLKMOOT_ADMIN_PASSWORD": "pw"}
    with running(tmp_path_factory.mktemp("program"), demo=False, **first) as program:
        yield program
        assert "Traceback" not in program.log()


@pytest.mark.parametrize("door", DOORS)
def test_every_operation_that_both_know(forum: Program, door: str) -> None:
    ran = node.run(SCRIPT, url=forum.url("forum", "/api/v1"), door=door, boss="boss")
    offered = set(re.findall(r"^    (\w+)\(", (PACKAGE / DOORS[door]).read_text(), re.MULTILINE))
    unknown = {"constructor", "wrapper", "buildFullUrl"} | ({"userJoin"} if door == "http" else set())
    assert set(ran["called"]) | set(ran["beyond"]) == offered - unknown
    for name in ran["beyond"]:
        assert f"{name[0].upper()}{name[1:]}" in README, name

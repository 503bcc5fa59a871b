"""lemmy-js-client with the whole program, over both transports; the story is in lemmy.js."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients import node
from tests.whole.program import Program, running

SCRIPT = Path(__file__).with_name("lemmy.js")
PACKAGE = node.PACKAGES / "lemmy-js-client" / "dist"
DOORS = {"http": "http.d.ts", "ws": "websocket.d.ts"}


@pytest.fixture(scope="module")
def forum(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A program with an administrator and nothing else in it."""
    first = {"FOLKMOOT_ADMIN_USERNAME": "boss", "FOLKMOOT_ADMIN_PASSWORD": "pw"}
    with running(tmp_path_factory.mktemp("program"), demo=False, **first) as program:
        yield program
        assert "Traceback" not in program.log()


@pytest.mark.parametrize("door", DOORS)
def test_every_operation_of_the_client(forum: Program, door: str) -> None:
    ran = node.run(SCRIPT, url=forum.url("forum", "/api/v1"), door=door, boss="boss")
    offered = set(re.findall(r"^    (\w+)\(", (PACKAGE / DOORS[door]).read_text(), re.MULTILINE))
    assert set(ran["called"]) == offered - {"constructor", "wrapper", "buildFullUrl"}

"""Every row of the table: what it asks of a token, and that it says what it answers."""

from __future__ import annotations

import re
from pathlib import Path

from folkmoot.store import SqliteEngine
from folkmoot.surfaces.lists import OPERATIONS
from folkmoot.surfaces.lists.auth import ANY, PAGE, PUBLIC
from tests.surfaces.lists.town import Town, run


def test_the_matrix_of_scopes(tmp_path: Path) -> None:
    async def scenario(town: Town) -> None:
        ann = await town.person("ann")
        await town.token(ann, "nothing", "profile:read")
        await town.list(ann, "1")
        for operation in OPERATIONS:
            path = re.sub(r"\{\w+(:path)?\}", "1", operation.path)
            anonymous = (await town.ask(operation.method, path)).status_code
            powerless = (await town.ask(operation.method, path, "nothing")).status_code
            if operation.permission in (PUBLIC, PAGE):
                assert 401 not in (anonymous, powerless), operation.name
            else:
                assert anonymous == 401, operation.name
                assert (powerless == 403) is (operation.permission != ANY), operation.name

    run(SqliteEngine(tmp_path / "community.db"), scenario)


def test_every_operation_of_the_api_has_its_shape_and_a_sentence() -> None:
    for operation in OPERATIONS:
        assert operation.summary.endswith("."), operation.name
        if operation.path.startswith("/api"):
            assert operation.response is not None or operation.status == 204, operation.name

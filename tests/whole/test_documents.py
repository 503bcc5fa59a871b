"""schemathesis over the OpenAPI document of the management API: whatever is sent, a documented answer and no 5xx.

All operations of the document are called, with values that fit it and values that do not; where a path names a thing, half of
the calls name one that is there. More calls each: FOLKMOOT_TEST_EXAMPLES.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.whole.program import Program, running

EXAMPLES = int(os.environ.get("FOLKMOOT_TEST_EXAMPLES", "2"))
NODE = "emqx@127.0.0.1"
HTTP_CONNECTOR = {"type": "http", "name": "known", "url": "http://127.0.0.1:9", "enable": False}
ACTION = {"type": "http", "name": "known", "connector": "known", "enable": False, "parameters": {"path": "/x"}}
#: What is there: how it is made, and the paths that name it. Made again before each operation that needs it.
KNOWN: tuple[tuple[str, dict[str, str], str, Any], ...] = (
    ("/clients/", {"clientid": "known"}, "", None),
    ("/topics/", {"topic": "known/filter"}, "", None),
    ("/mqtt/retainer/message/", {"topic": "known/kept"}, "/publish",
     {"topic": "known/kept", "payload": "x", "retain": True}),
    ("/mqtt/delayed/messages/{topic}", {"topic": "known/later"}, "/publish",
     {"topic": "$delayed/900/known/later", "payload": "x"}),
    ("/mqtt/topic_metrics/", {"topic": "known/measured"}, "/mqtt/topic_metrics", {"topic": "known/measured"}),
    ("/authentication/", {"id": "password_based:built_in_database", "user_id": "known", "position": "front"},
     "/authentication", {"mechanism": "password_based", "backend": "built_in_database"}),
    ("/authorization/sources/built_in_database/rules/users/", {"username": "known"},
     "/authorization/sources/built_in_database/rules/users", [{"username": "known", "rules": []}]),
    ("/authorization/sources/built_in_database/rules/clients/", {"clientid": "known"},
     "/authorization/sources/built_in_database/rules/clients", [{"clientid": "known", "rules": []}]),
    ("/authorization/sources/", {"type": "file"}, "", None),
    ("/rules/", {"id": "known"}, "/rules", {"id": "known", "sql": 'SELECT * FROM "known/rule"', "actions": []}),
    ("/connectors/", {"id": "http:known", "enable": "true"}, "/connectors", HTTP_CONNECTOR),
    ("/actions/", {"id": "http:known", "enable": "true"}, "/actions", ACTION),
    ("/trace/", {"name": "known"}, "/trace", {"name": "known", "type": "clientid", "clientid": "nobody"}),
    ("/listeners/", {"id": "tcp:known"}, "/listeners",
     {"type": "tcp", "name": "known", "bind": "127.0.0.1:0", "enable": False}),
    ("/banned/", {"as": "clientid", "who": "banned"}, "/banned", {"as": "clientid", "who": "banned"}),
    ("/users/", {"username": "known"}, "/users", {"username": "known", "password": "known-1", "description": ""}),
    ("/api_key/", {"name": "known"}, "/api_key", {"name": "known", "description": "", "enable": True}),
    ("/nodes/", {"node": NODE}, "", None),
    ("/monitor", {"node": NODE}, "", None),
    ("/configs", {"root": "mqtt"}, "", None),
    ("/error_codes/", {"code": "BAD_REQUEST"}, "", None),
)  # fmt: skip


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with running(tmp_path_factory.mktemp("documents")) as made:
        yield made


def test_every_operation_answers_as_documented(program: Program) -> None:
    described = schemathesis.openapi.from_url(program.url("mqtt_api", "/api-docs/swagger.json"))
    found_operations: list[Any] = list(described.get_all_operations())
    operations = [result.ok() for result in found_operations]
    assert len(operations) > 200
    # What takes things away comes last.
    operations.sort(key=lambda operation: operation.method.upper() == "DELETE")
    found: list[str] = []
    called, answered = set[str](), set[str]()

    def call(operation: Any, cases: st.SearchStrategy[Any]) -> None:
        @seed(5)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(cases)
        def check(case: Any) -> None:
            called.add(operation.label)
            answer = case.call(base_url=program.url("mqtt_api", "/api/v5"), auth=("admin", "public"))
            told = answer.status_code == 500 and b'"NODE_DOWN"' in answer.content
            assert answer.status_code < 500 or told, (answer.status_code, answer.text)
            if answer.status_code < 300:
                answered.add(operation.label)
            case.validate_response(
                answer, checks=[status_code_conformance, content_type_conformance, response_schema_conformance]
            )

        try:
            check()
        except (Exception, BaseExceptionGroup) as error:
            # The others are looked at all the same.
            told = [str(each) for each in getattr(error, "exceptions", [error])]
            found.append(f"{operation.label}: " + "\n".join(told))

    for operation in operations:
        fitting = operation.as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE)
        cases = [fitting]
        path, values = _known(program, operation.path)
        if path:
            cases.append(operation.as_strategy(path_parameters=values))
        if any(operation.iter_parameters()) or operation.body:
            cases.append(operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE))
        call(operation, st.one_of(cases))
    assert not found, "\n\n".join(found)
    assert called == {operation.label for operation in operations}
    assert len(answered) > len(operations) // 2
    assert "Traceback" not in program.log()


def _known(program: Program, path: str) -> tuple[str, dict[str, str]]:
    """What the path names, made if it is not there: where it stands and the values of the path."""
    for begins, values, place, body in KNOWN:
        if path.startswith(begins) and "{" in path:
            needed = {name: value for name, value in values.items() if f"{{{name}}}" in path}
            if place:
                with program.http("mqtt_api", auth=("admin", "public")) as rest:
                    rest.post(f"/api/v5{place}", json=body)
            if needed:
                return begins, needed
    return "", {}

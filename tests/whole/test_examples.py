"""The examples of the four published documents, typed as they stand there, against the demo."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.whole.people import Forum, websocket
from tests.whole.program import Program, running

# The addresses of the documents; the demo under test has others.
_DOCUMENTED = {
    "localhost:9000": "newsletter",
    "localhost:8536": "forum",
    "127.0.0.1:8536": "forum",
    "localhost:18083": "mqtt_api",
    "localhost:5006": "lists",
}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with running(tmp_path_factory.mktemp("examples")) as made:
        yield made


def typed(program: Program, line: str) -> tuple[int, Any]:
    """Run a documented curl line in a shell-like way; status and decoded body."""
    for documented, surface in _DOCUMENTED.items():
        line = line.replace(documented, program.addresses[surface])
    command = [*shlex.split(line), "--silent", "--noproxy", "*", "--write-out", "\n%{http_code}"]
    output = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
    body, _, status = output.rpartition("\n")
    return int(status), json.loads(body) if body else None


@pytest.mark.parametrize(
    "line",
    [
        'curl -u "api_user:token" http://localhost:9000/api/lists',
        'curl -H "Authorization: token api_user:token" http://localhost:9000/api/lists',
        "curl -u \"api_user:token\" -X GET 'http://localhost:9000/api/lists?page=1&per_page=100'",
    ],
)
def test_newsletter_lists(program: Program, line: str) -> None:
    status, answer = typed(program, line)
    assert status == 200 and list(answer) == ["data"]
    assert {"results", "total", "per_page", "page", "search", "query"} == set(answer["data"])
    assert {"id", "uuid", "name", "type", "optin", "tags", "subscriber_count"} <= set(answer["data"]["results"][0])


def test_newsletter_public_lists_need_no_credentials(program: Program) -> None:
    status, answer = typed(program, "curl -X GET 'http://localhost:9000/api/public/lists'")
    assert status == 200 and all(set(each) == {"uuid", "name"} for each in answer) and answer


def test_newsletter_refuses_wrong_credentials(program: Program) -> None:
    assert typed(program, 'curl -u "api_user:wrong" http://localhost:9000/api/lists') == (
        403,
        {"message": "invalid API credentials"},
    )


def test_newsletter_a_list_is_made_changed_and_deleted(program: Program) -> None:
    user = 'curl -u "api_user:token" '
    status, made = typed(
        program,
        user + "-X POST 'http://localhost:9000/api/lists' -H 'Content-Type: application/json'"
        ' -d \'{"name": "Test list", "type": "public", "optin": "single", "tags": ["test"]}\'',
    )
    assert status == 200 and made["data"]["name"] == "Test list"
    number = made["data"]["id"]
    assert typed(program, user + f"-X GET 'http://localhost:9000/api/lists/{number}'")[1]["data"]["tags"] == ["test"]
    status, changed = typed(
        program,
        user
        + f"-X PUT 'http://localhost:9000/api/lists/{number}' --form 'name=modified test list' --form 'type=private'",
    )
    assert status == 200
    assert (changed["data"]["name"], changed["data"]["type"]) == ("modified test list", "private")
    assert typed(program, user + f"-X DELETE 'http://localhost:9000/api/lists/{number}'") == (200, {"data": True})
    assert typed(program, user + f"-X GET 'http://localhost:9000/api/lists/{number}'")[0] == 404


def test_forum_over_websocket_without_data(program: Program) -> None:
    with websocket(program) as listener:
        listener._connection.send('{"op": "ListCategories"}')
        categories = listener.hear("ListCategories")["categories"]
    assert len(categories) == 26 and categories[0] == {"id": 1, "name": "Discussion"}


def test_forum_over_http(program: Program) -> None:
    status, answer = typed(program, "curl 'http://localhost:8536/api/v1/community/list?sort=Hot'")
    assert status == 200 and "town_square" in [each["name"] for each in answer["communities"]]
    ada = Forum(program, "ada")
    posts = ada.call("GET", "/post/list", type_="All", sort="Hot")["posts"]
    comment = ada.comments(posts[0]["id"])[0]
    data = json.dumps({"comment_id": comment["id"], "post_id": posts[0]["id"], "score": 1, "auth": ada.jwt})
    status, answer = typed(
        program,
        f"curl -i -X POST -H 'Content-Type: application/json' -d '{data}' http://localhost:8536/api/v1/comment/like".replace(
            " -i", ""
        ),
    )
    assert status == 200 and answer["comment"]["my_vote"] == 1 and answer["recipient_ids"] == []


def test_mqtt_api_keys(program: Program) -> None:
    status, key = typed(
        program,
        "curl -u 'admin:public' -X POST http://localhost:18083/api/v5/api_key -H 'Content-Type: application/json'"
        ' -d \'{"name":"EMQX-API-KEY-3","expired_at":"2027-12-05T02:01:34.186Z","desc":"for testing","enable":true}\'',
    )
    assert status == 200 and key["name"] == "EMQX-API-KEY-3" and key["enable"] is True and key["expired"] is False
    credential = f"{key['api_key']}:{key['api_secret']}"
    status, nodes = typed(program, f"curl -u '{credential}' -X GET http://localhost:18083/api/v5/nodes")
    assert status == 200 and nodes[0]["node_status"] == "running"
    status, answer = typed(program, f"curl -u '{credential}' -X GET http://localhost:18083/api/v5/clients/foo")
    assert status == 404 and answer["code"] == "CLIENTID_NOT_FOUND" and answer["message"]


def test_lists_with_a_personal_token(program: Program) -> None:
    token = program.run("token", "create", "lists", "--account", "ada").stdout.strip()
    head = f'curl -H "Authorization: token {token}" '
    status, made = typed(
        program,
        head + "-H 'Content-Type: application/json' http://localhost:5006/api/lists"
        ' -d \'{"name": "orchard", "description": "All about trees"}\'',
    )
    assert status == 201 and made["name"] == "orchard" and made["owner"]["canonical_name"] == "~ada"
    assert made["permissions"] == {
        kind: ["browse", "reply", "post"] for kind in ("nonsubscriber", "subscriber", "account")
    }
    status, page = typed(program, head + "http://localhost:5006/api/lists")
    assert status == 200 and set(page) == {"next", "results", "total", "results_per_page"}
    assert [each["name"] for each in page["results"]] == ["orchard"]
    status, posts = typed(program, head + "http://localhost:5006/api/lists/orchard/posts")
    assert (status, posts["results"]) == (200, [])
    status, subscription = typed(
        program,
        head + "-H 'Content-Type: application/json' -X POST http://localhost:5006/api/subscriptions"
        ' -d \'{"list": "~cleo/town_clock"}\'',
    )
    assert status == 201 and subscription["list"]["name"] == "town_clock"
    assert typed(program, "curl http://localhost:5006/api/lists")[0] == 401


def test_the_tour_of_the_readme(tmp_path: Path) -> None:
    """The README's five minutes, as written but for the addresses, with curl, swaks and mosquitto's clients."""
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    _, _, tour = readme.partition("## Five minutes")
    tour, _, _ = tour.partition("## Running it for real")
    script, expected = ["set -e"], []
    for block in tour.split("```")[1::2]:
        kind, _, text = block.partition("\n")
        if kind == "sh":
            script.append(text)
        elif kind == "text":
            expected.extend(text.split("\n"))
    with running(tmp_path / "data") as program:
        lines = "\n".join(script)
        for surface, port in {"forum": 8536, "lists": 5006, "newsletter": 9000, "smtp": 2525}.items():
            lines = lines.replace(f"127.0.0.1:{port}", program.addresses[surface])
        lines = lines.replace("-h 127.0.0.1", f"-h 127.0.0.1 -p {program.port('mqtt')}")
        here = tmp_path / "here"
        (here / ".venv").mkdir(parents=True)
        (here / ".venv" / "bin").symlink_to(Path(__file__).parents[2] / ".venv" / "bin")
        run = subprocess.run(
            ["bash", "-c", lines],
            cwd=here,
            env=program.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert run.returncode == 0, run.stderr + run.stdout
    assert [line for line in run.stdout.split("\n") if line] == [line for line in expected if line]

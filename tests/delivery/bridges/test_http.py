"""Actions of type `http` against a real web server."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from folkmoot.domain import bridges
from folkmoot.domain.bridges import Health, Resource, Status
from folkmoot.domain.rules import Outcome
from folkmoot.net.listeners import HttpServer
from tests.delivery.bridges.world import NOW, QUICK, Web, ask, http_action, http_connector, make, running
from tests.net.serving import free_port, serving, until


def test_requests_are_made_of_what_rules_select(tmp_path: Path) -> None:
    async def play() -> None:
        web = Web()
        async with serving(web) as address, running(tmp_path) as found:
            await make(found, http_connector(f"http://{address}/base/", headers={"X-Of": "connector", "x-both": "c"}))
            assert found.health(found.connectors()[0]) == Health(Status.CONNECTED)
            headers = {"X-Both": "${n}", "content-type": "text/plain"}
            await make(
                found,
                http_action(name="all", path="/hook?n=${n}"),
                http_action(name="body", path="a/${topic}", method="put", headers=headers, body="<${payload}>"),
                http_action(name="get", method="get", body="never"),
            )
            assert found.knows("http:all") and not found.knows("http:other")
            ended = ask(found, "http:all", payload=b"x")
            await until(lambda: len(ended) == 1)
            ended += ask(found, "http:body", payload=b"\xff", topic="t/ü?#")
            await until(lambda: len(web.requests) == 2)
            ended += ask(found, "http:get")
            await until(lambda: len(web.requests) == 3)
            first, second, third = web.requests
            assert (first[0], first[1], first[3]) == ("POST", "/base/hook?n=0", b'{"n":0,"payload":"x"}')
            assert first[2]["content-type"] == "application/json" and first[2]["x-of"] == "connector"
            assert (second[0], second[1], second[3]) == ("PUT", "/base/a/t/%C3%BC%3F%23", b"<\xff>")
            assert second[2]["content-type"] == "text/plain" and second[2]["x-both"] == "0"
            assert (third[0], third[1], third[3]) == ("GET", "/base/", b"")

    asyncio.run(play())


def test_what_cannot_be_sent_fails_at_once(tmp_path: Path) -> None:
    async def play() -> None:
        async with serving(Web()) as address, running(tmp_path) as found:
            await make(found, http_connector(f"http://{address}"))
            await make(found, http_action(path="/in/${topic}", headers={"x": "${name}"}))
            assert ask(found, "http:post", topic="../admin") == [Outcome.UNKNOWN]
            assert ask(found, "http:post", topic="t", name="a\r\nb: c") == [Outcome.UNKNOWN]
            assert ask(found, "http:gone") == [Outcome.OUT_OF_SERVICE]
            numbers = found.numbers(found.actions()[0])
            assert (numbers["matched"], numbers["failed"], numbers["success"]) == (2, 2, 0)

    asyncio.run(play())


def test_answers_decide_what_becomes_of_a_request(tmp_path: Path) -> None:
    async def play() -> None:
        web = Web()
        web.statuses = [503, 429, 200, 404, 204]
        async with serving(web) as address, running(tmp_path) as found:
            await make(found, http_connector(f"http://{address}"), http_action(Resource(query_mode="sync")))
            ended = ask(found, "http:post", 3)
            await until(lambda: len(ended) == 3)
            assert ended == [Outcome.SUCCESS, Outcome.UNKNOWN, Outcome.SUCCESS]
            assert [body for *_, body in web.requests] == [b'{"n":0}'] * 3 + [b'{"n":1}', b'{"n":2}']
            numbers = found.numbers(found.actions()[0])
            wanted = {"matched": 3, "success": 2, "failed": 1, "retried": 2, "inflight": 0, "queuing": 0, "dropped": 0}
            assert {name: numbers[name] for name in wanted} == wanted and numbers["queuing_bytes"] == 0
            assert numbers["rate"] > 0 and numbers["rate_max"] >= numbers["rate_last5m"] > 0
            found.reset_numbers(found.actions()[0])
            assert not any(found.numbers(found.actions()[0]).values())

    asyncio.run(play())


def test_requests_wait_for_a_server_that_is_away_in_order_and_not_for_ever(tmp_path: Path) -> None:
    async def play() -> None:
        web, port = Web(), free_port()
        told = list[Health]()
        async with running(tmp_path) as found:
            found.on_health.append(lambda connector, health: told.append(health))
            await make(found, http_connector(f"http://127.0.0.1:{port}"))
            assert found.health(found.connectors()[0]).status is Status.DISCONNECTED
            assert "refused" in found.health(found.connectors()[0]).reason.lower() or told[0].reason
            late = Resource(request_ttl="50ms")
            await make(found, http_action(), http_action(late, name="late"))
            ended, too_late = ask(found, "http:post", 20, clientid="c"), ask(found, "http:late", 2)
            await until(lambda: len(too_late) == 2)
            assert too_late == [Outcome.DISCARDED] * 2 and not ended
            numbers = found.numbers(found.actions()[0])
            assert (numbers["dropped"], numbers["dropped.expired"]) == (2, 2)
            assert found.numbers(found.actions()[1])["queuing"] == 20
            listening = socket.create_server(("127.0.0.1", port))
            server = HttpServer(web, listening)
            await server.start()
            await until(lambda: len(ended) == 20)
            assert ended == [Outcome.SUCCESS] * 20
            assert [body for *_, body in web.requests] == [b'{"n":%d,"clientid":"c"}' % n for n in range(20)]
            assert [each.status for each in told] == [Status.DISCONNECTED, Status.CONNECTED]
            await server.stop()

    asyncio.run(play())


def test_the_oldest_make_room_for_the_newest(tmp_path: Path) -> None:
    async def play() -> None:
        async with running(tmp_path) as found:
            small = Resource(max_buffer_bytes="10KB", query_mode="sync")
            await make(found, http_connector(f"http://127.0.0.1:{free_port()}"), http_action(small))
            ended = ask(found, "http:post", 30, payload="x" * 1000)
            numbers = found.numbers(found.actions()[0])
            assert 0 < numbers["queuing_bytes"] <= 10_240
            assert numbers["queuing"] + numbers["dropped.queue_full"] == 30
            assert ended == [Outcome.DISCARDED] * int(numbers["dropped.queue_full"])

    asyncio.run(play())


def test_what_waits_goes_with_a_changed_action_and_ends_with_one_that_is_switched_off(tmp_path: Path) -> None:
    async def play() -> None:
        web, port = Web(), free_port()
        async with running(tmp_path) as found:
            await make(found, http_connector(f"http://127.0.0.1:{port}"), http_action())
            action = found.actions()[0]
            ended = ask(found, "http:post", 3)
            await found.change(bridges.replace, replace(action, description="same", changed_at=NOW))
            await found.change(bridges.replace, http_action(path="/new", resource=replace(QUICK, query_mode="sync")))
            assert found.numbers(action)["queuing"] == 3 and found.numbers(action)["matched"] == 3
            async with serving(web) as address:
                await found.change(bridges.replace, http_connector(f"http://{address}"))
                await until(lambda: len(ended) == 3)
                assert {path for _, path, *_ in web.requests} == {"/"}
            ended = ask(found, "http:post", 2)
            await found.change(bridges.enable, action, False, NOW)
            assert ended == [Outcome.DISCARDED] * 2
            assert ask(found, "http:post") == [Outcome.OUT_OF_SERVICE]
            assert found.numbers(action)["dropped.resource_stopped"] == 3
            await found.change(bridges.enable, action, True, NOW)
            await found.change(bridges.enable, found.connectors()[0], False, NOW)
            assert ask(found, "http:post") == [Outcome.OUT_OF_SERVICE]
            assert found.health(action) == Health(Status.DISCONNECTED, "disabled")

    asyncio.run(play())


def test_addresses_that_are_not_public_are_refused_by_the_guard(tmp_path: Path) -> None:
    async def play() -> None:
        async with serving(Web()) as address, running(tmp_path, allowed=()) as found:
            await make(found, http_connector(f"http://{address}"))
            health = found.health(found.connectors()[0])
            assert (health.status, health.reason) == (Status.DISCONNECTED, "127.0.0.1 is not a public address")
            assert (await found.probe(http_connector(f"http://{address}"))).status is Status.DISCONNECTED

    asyncio.run(play())


def test_what_is_kept_runs_again(tmp_path: Path) -> None:
    async def play() -> None:
        web = Web()
        async with serving(web) as address:
            async with running(tmp_path) as found:
                await make(found, http_connector(f"http://{address}"), http_action())
            async with running(tmp_path) as found:
                ended: list[Any] = ask(found, "http:post")
                await until(lambda: ended == [Outcome.SUCCESS])

    asyncio.run(play())

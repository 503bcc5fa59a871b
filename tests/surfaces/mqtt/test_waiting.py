"""What the API says of clients beyond the listing: cursors, keep-alive, and the messages that wait for them."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import aiomqtt
import httpx

from tests.net.serving import until
from tests.surfaces.mqtt.management import ADMIN, Running, assert_error, scenario
from tests.surfaces.mqtt.test_push import make_list


def test_cursors_and_counts(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        async with here.client(identifier="b"), here.client(identifier="a/é"), here.client(identifier="c"):
            first = (await here.ask("GET", "/clients_v2?limit=2&fields=clientid")).json()
            assert first["data"] == [{"clientid": "a/é"}, {"clientid": "b"}]
            assert first["meta"]["count"] == 3
            query = {"cursor": first["meta"]["cursor"], "limit": 2}
            second = (await here.ask("GET", "/clients_v2", params=query)).json()
            assert [each["clientid"] for each in second["data"]] == ["c"]
            assert second["meta"] == {"count": 3}
            found = (await here.ask("GET", "/clients_v2?clientid=c&clientid=b&like_username=an")).json()
            assert [each["clientid"] for each in found["data"]] == ["b", "c"]
            assert_error(await here.ask("GET", "/clients_v2?cursor=%C3%A9"), 400, "INVALID_PARAMETER")
            answer = await here.ask("GET", "/sessions_count")
            assert (answer.headers["content-type"].partition(";")[0], answer.text) == ("text/plain", "3")
        async with here.client(identifier="stays", clean_session=False):
            pass
        await until(lambda: "stays" in here.stream.broker.offline)
        assert (await here.ask("GET", "/sessions_count?since=1")).text == "1"
        assert (await here.ask("GET", "/sessions_count?since=99999999999")).text == "0"
        assert_error(await here.ask("GET", "/sessions_count?since=yesterday"), 400, "INVALID_PARAMETER")

    scenario(tmp_path, play)


def test_keepalive(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        async with here.client(identifier="c", keepalive=30):
            answer = await here.ask("PUT", "/clients/c/keepalive", json={"interval": 100})
            assert (answer.status_code, answer.json()["keepalive"]) == (200, 100)
            link = here.stream.broker.sessions["c"].link
            assert link is not None and link.keepalive == 100
            for bad in (-1, 65_536, "x", None):
                assert_error(await here.ask("PUT", "/clients/c/keepalive", json={"interval": bad}), 400, "BAD_REQUEST")
        assert_error(await here.ask("PUT", "/clients/d/keepalive", json={"interval": 1}), 404, "CLIENTID_NOT_FOUND")

    scenario(tmp_path, play)


async def messages(here: Running, which: str, query: str = "") -> Any:
    answer = await here.ask("GET", f"/clients/c/{which}_messages?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_what_waits_for_a_client(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        async with here.client(identifier="c", clean_session=False) as client:
            await client.subscribe("t/#", qos=1)
            assert await messages(here, "mqueue") == {"data": [], "meta": {"start": "none", "position": "end_of_data"}}
        await until(lambda: "c" in here.stream.broker.offline)
        async with here.client("admin", "public", identifier="from") as other:
            for payload in (b"\xff0", b"one", b"two"):
                await other.publish("t/x", payload, qos=1)
        whole = await messages(here, "mqueue")
        first = whole["data"][0]
        assert (first["topic"], first["qos"], first["from_clientid"], first["from_username"]) == (
            "t/x",
            1,
            "from",
            "admin",
        )
        assert [each["payload"] for each in whole["data"]] == [
            b64encode(each).decode() for each in (b"\xff0", b"one", b"two")
        ]
        assert len(first["msgid"]) == 32 and first["inserted_at"].isdigit() and first["publish_at"] > 10**12
        assert first["mqueue_priority"] == 0 and whole["meta"]["position"] == "end_of_data"

        page = await messages(here, "mqueue", "limit=2&payload=plain")
        assert [each["payload"] for each in page["data"]] == ["\ufffd0", "one"]
        assert page["meta"]["start"] == whole["meta"]["start"]
        after = page["meta"]["position"]
        rest = await messages(here, "mqueue", f"position={after}&payload=none")
        assert [each["msgid"] for each in rest["data"]] == [whole["data"][2]["msgid"]]
        assert "payload" not in rest["data"][0] and rest["meta"]["position"] == "end_of_data"
        assert (await messages(here, "mqueue", "position=end_of_data"))["data"] == []
        for size, fit in (("1B", 1), ("5B", 2), ("8B", 3)):
            assert len((await messages(here, "mqueue", f"max_payload_bytes={size}"))["data"]) == fit
        # What the position names has been sent since then.
        here.stream.broker.sessions["c"].queue.popleft()
        here.stream.broker.sessions["c"].queue.popleft()
        assert [each["msgid"] for each in (await messages(here, "mqueue", f"position={after}"))["data"]] == [
            whole["data"][2]["msgid"]
        ]
        for query in ("position=here", "payload=hex", "max_payload_bytes=much", "limit=0"):
            answer = await here.ask("GET", f"/clients/c/mqueue_messages?{query}")
            assert_error(answer, 400, "INVALID_PARAMETER")
        for which in ("mqueue", "inflight"):
            assert_error(await here.ask("GET", f"/clients/no/{which}_messages"), 404, "CLIENTID_NOT_FOUND")

    scenario(tmp_path, play)


def test_what_is_on_its_way_to_a_client(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        async with here.client(identifier="c", clean_session=False) as client:
            await client.subscribe("t", qos=1)
            session = here.stream.broker.sessions["c"]
            # As if it did not read.
            assert session.link is not None
            session.window = 1
            client._client.manual_ack_set(True)
            for payload in ("1", "2"):
                await here.ask("POST", "/publish", json={"topic": "t", "payload": payload, "qos": 1})
            found = await messages(here, "inflight", "payload=plain")
            assert [each["payload"] for each in found["data"]] == ["1"]
            assert "mqueue_priority" not in found["data"][0]
            assert [each["payload"] for each in (await messages(here, "mqueue", "payload=plain"))["data"]] == ["2"]

    scenario(tmp_path, play)


def test_what_is_known_of_a_client(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        body = {
            "type": "tcp",
            "name": "m",
            "bind": "127.0.0.1:0",
            "mountpoint": "at/${clientid}/",
            "enable_authn": False,
        }
        port = int((await here.ask("POST", "/listeners", json=body)).json()["bind"].rpartition(":")[2])
        async with aiomqtt.Client("127.0.0.1", port, identifier="c", username="whoever"):
            found = (await here.ask("GET", "/clients/c")).json()
            assert (found["listener"], found["mountpoint"], found["enable_authn"]) == ("tcp:m", "at/c/", False)
            assert (found["username"], found["is_bridge"], found["client_attrs"]) == ("whoever", False, {})

    scenario(tmp_path, play)


def test_viewers_are_not_told_what_is_said_in_closed_spaces(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        await make_list(here, "secret", "PRIVATE")
        answer = await here.ask("POST", "/api_key", json={"name": "eyes", "role": "viewer"})
        eyes = httpx.BasicAuth(answer.json()["api_key"], answer.json()["api_secret"])
        async with here.client("admin", "public", identifier="c", clean_session=False) as client:
            await client.subscribe([("spaces/#", 1), ("t", 1)])
        await until(lambda: "c" in here.stream.broker.offline)
        async with here.client("admin", "public") as other:
            await other.publish("spaces/secret/post", "hush", qos=1)
            await other.publish("t", "well", qos=1)
        queue = here.stream.broker.sessions["c"].queue
        await until(lambda: len(queue) == 2)
        for auth, payloads in ((ADMIN, [True, True]), (eyes, [False, True])):
            answer = await here.ask("GET", "/clients/c/mqueue_messages?payload=plain", auth=auth)
            rows = sorted(answer.json()["data"], key=lambda each: str(each["topic"]))
            assert [each["topic"] for each in rows] == ["spaces/secret/messages", "t"]
            assert ["payload" in each for each in rows] == payloads

    scenario(tmp_path, play)

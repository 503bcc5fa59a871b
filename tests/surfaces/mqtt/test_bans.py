"""Bans over REST, and what banned clients notice (contract §2.8)."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from folkmoot.domain.broker import Message
from tests.net.serving import until
from tests.surfaces.mqtt.management import Running, assert_error, running, scenario

V5, V31 = aiomqtt.ProtocolVersion.V5, aiomqtt.ProtocolVersion.V311


async def ban(here: Running, kind: str, who: str, **more: Any) -> dict[str, Any]:
    answer = await here.ask("POST", "/banned", json={"as": kind, "who": who, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def listed(here: Running, query: str = "") -> list[str]:
    answer = await here.ask("GET", f"/banned{query}")
    assert answer.status_code == 200, answer.text
    return [each["who"] for each in answer.json()["data"]]


async def refusal(here: Running, name: str = "ann", protocol: Any = V5, **options: Any) -> str:
    """What a client hears at CONNECT; empty when it may come in."""
    try:
        async with here.client(name, protocol=protocol, **options):
            return ""
    except aiomqtt.MqttError as error:
        return str(error)


def test_bans_are_made_listed_and_ended(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        made = await ban(here, "clientid", "c/1", reason="noise", by="me", at=1_700_000_000, until="infinity")
        assert made == {
            "as": "clientid",
            "who": "c/1",
            "by": "me",
            "reason": "noise",
            "at": datetime.fromtimestamp(1_700_000_000).astimezone().isoformat(),
            "until": "infinity",
        }
        end = (here.house.now() + timedelta(hours=1)).astimezone().isoformat(timespec="seconds")
        made = await ban(here, "username", "bob", until=end)
        assert (made["by"], made["reason"], made["until"]) == ("mgmt_api", "", end)
        for kind, who in (("peerhost", "192.0.2.1"), ("clientid_re", "^x"), ("peerhost_net", "192.0.2.0/24")):
            await ban(here, kind, who)
        page = (await here.ask("GET", "/banned?limit=2")).json()
        assert page["meta"] == {"page": 1, "limit": 2, "count": 5, "hasnext": True}
        for query, people in (
            ("clientid=c/1", ["c/1"]),
            ("clientid=c", []),
            ("username=bob", ["bob"]),
            ("peerhost=192.0.2.1", ["192.0.2.1"]),
            ("like_clientid=^c", ["c/1"]),
            ("like_username=o.", ["bob"]),
            ("like_peerhost=192", ["192.0.2.1"]),
            ("like_peerhost_net=192", ["192.0.2.0/24"]),
        ):
            assert await listed(here, f"?{query}") == people, query
        assert_error(await here.ask("GET", "/banned?clientid=a&username=b"), 400, "BAD_REQUEST")
        answer = await here.ask("GET", "/banned?like_clientid=(")
        assert_error(answer, 400, "BAD_REQUEST")
        assert "like_clientid" in answer.json()["message"]
        assert_error(await here.ask("GET", "/banned?page=0"), 400, "INVALID_PARAMETER")

        answer = await here.ask("POST", "/banned", json={"as": "clientid", "who": "c/1"})
        assert_error(answer, 400, "ALREADY_EXISTS")
        assert json.loads(answer.json()["message"])["reason"] == "noise"
        assert (await here.ask("DELETE", "/banned/clientid/c%2F1")).status_code == 204
        assert (await here.ask("DELETE", "/banned/peerhost_net/192.0.2.0%2F24")).status_code == 204
        assert_error(await here.ask("DELETE", "/banned/clientid/c%2F1"), 404, "NOT_FOUND")
        assert_error(await here.ask("DELETE", "/banned/mood/bad"), 400, "BAD_REQUEST")
        assert (await here.ask("DELETE", "/banned")).status_code == 204
        assert await listed(here) == []
        for wrong in (
            {},
            {"as": "clientid"},
            {"as": "mood", "who": "x"},
            {"as": "clientid", "who": ""},
            {"as": "peerhost", "who": "nowhere"},
            {"as": "clientid_re", "who": "("},
            {"as": "clientid", "who": "x", "at": 20, "until": 20},
            {"as": "clientid", "who": "x", "until": "tomorrow"},
        ):
            answer = await here.ask("POST", "/banned", json=wrong)
            assert_error(answer, 400, "BAD_REQUEST")
            assert answer.json()["message"].startswith(("as:", "who:", "until:"))

    scenario(tmp_path, play)


def test_who_is_banned_does_not_come_in(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        for kind, who in (
            ("clientid", "c1"),
            ("username", "ann"),
            ("peerhost", "127.0.0.1"),
            ("clientid_re", "^c[0-9]$"),
            ("username_re", "n{2}"),
            ("peerhost_net", "127.0.0.0/8"),
        ):
            assert await refusal(here, identifier="c1") == ""
            await ban(here, kind, who)
            assert "138" in await refusal(here, identifier="c1"), kind
            assert "138" in await refusal(here, identifier="c1", password="wrong"), "before the password"
            assert "5" in await refusal(here, protocol=V31, identifier="c1")
            await here.ask("DELETE", "/banned")

    scenario(tmp_path, play)


def test_a_client_that_is_banned_is_thrown_out_and_says_nothing_more(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        will = aiomqtt.Will("will", "gone", qos=1, retain=True)
        broker = here.stream.broker
        with pytest.raises(aiomqtt.MqttError):
            async with here.client(identifier="c1", protocol=V5, will=will) as client:
                await client.publish("$delayed/1/later", "x", qos=1)
                await ban(here, "clientid", "c1")
                assert "c1" not in broker.sessions
                async for _ in client.messages:
                    pass
        assert broker.retained.find("will", here.stream.now()) is None
        assert broker.delayed.is_banned("c1", "ann") and not broker.delayed.is_banned("c2", "ann")
        async with here.client(identifier="c2", protocol=V5):
            await ban(here, "username", "ann")
            assert "c2" in broker.sessions, "other kinds keep new connections out"

    scenario(tmp_path, play)


def test_bans_end_and_survive_a_restart(tmp_path: Path) -> None:
    async def play() -> None:
        async with running(tmp_path) as here:
            end = here.house.now() + timedelta(minutes=10)
            await ban(here, "clientid", "short", until=int(end.timestamp()))
            await ban(here, "clientid", "long")
        async with running(tmp_path) as here:
            assert sorted(await listed(here)) == ["long", "short"]
            assert "138" in await refusal(here, identifier="short")
            here.clock.ahead = timedelta(minutes=11)
            assert await listed(here) == ["long"]
            assert await refusal(here, identifier="short") == ""
            assert_error(await here.ask("DELETE", "/banned/clientid/short"), 404, "NOT_FOUND")
            await here.management.permissions.sweep()
            assert len(here.management.permissions.bans.all) == 1
            await ban(here, "clientid", "short")
        async with running(tmp_path) as here:
            assert sorted(await listed(here)) == ["long", "short"]

    asyncio.run(play())


def test_who_comes_and_goes_too_often_is_banned_for_a_while(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        flapping = here.stream.broker.options.flapping_detect
        flapping.enable, flapping.max_count, flapping.ban_time = True, 3, 60.0
        for _ in range(3):
            assert await refusal(here, identifier="moth") == ""
        await until(lambda: bool(here.management.permissions.bans.all))
        assert "138" in await refusal(here, identifier="moth")
        (found,) = (await here.ask("GET", "/banned")).json()["data"]
        assert (found["as"], found["who"], found["by"]) == ("clientid", "moth", "flapping detector")
        lasts = datetime.fromisoformat(found["until"]) - datetime.fromisoformat(found["at"])
        assert lasts == timedelta(seconds=60)
        assert await refusal(here, identifier="other") == ""
        here.clock.ahead = timedelta(seconds=61)
        assert await refusal(here, identifier="moth") == ""
        # A ban to come is not replaced.
        await ban(here, "clientid", "later", at=int(here.house.now().timestamp()) + 3600)
        for _ in range(4):
            assert await refusal(here, identifier="later") == ""
        (found,) = (await here.ask("GET", "/banned?clientid=later")).json()["data"]
        assert (found["by"], found["until"]) == ("mgmt_api", "infinity")

    scenario(tmp_path, play)


def test_the_community_is_another_matter(tmp_path: Path) -> None:
    """A ban here takes nothing of what the account may do elsewhere."""

    async def play(here: Running) -> None:
        await ban(here, "username", "admin")
        assert await listed(here) == ["admin"], "who is banned from the broker still signs in here"
        await here.stream.publish(Message("t", b"x", published_at=here.stream.now()))

    scenario(tmp_path, play)

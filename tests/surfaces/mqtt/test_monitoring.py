from __future__ import annotations

from pathlib import Path

from folkmoot.surfaces.mqtt import schema
from tests.surfaces.mqtt.management import NODE, Running, assert_error, scenario


def test_metrics_count_what_happens(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        before = (await here.ask("GET", f"/nodes/{NODE}/metrics")).json()
        assert list(before) == list(schema.METRICS) and set(before.values()) == {0}
        async with here.client() as client:
            await client.subscribe("t", qos=1)
            await client.publish("t", "x", qos=1)
            await client.publish("nobody", "x", qos=0)
            await anext(client.messages)
            await client.unsubscribe("t")
            live = (await here.ask("GET", "/metrics", params={"aggregate": "true"})).json()
        (after,) = (await here.ask("GET", "/metrics")).json()
        assert after.pop("node") == NODE
        for numbers in (live, after):
            assert numbers["messages.received"] == 2
            assert numbers["messages.qos1.received"] == numbers["messages.qos0.received"] == 1
            assert numbers["messages.sent"] == numbers["messages.qos1.sent"] == 1
            assert numbers["messages.dropped.no_subscribers"] == 1
            assert numbers["packets.puback.sent"] == 1
            assert numbers["client.connected"] == numbers["session.created"] == 1
            assert numbers["bytes.received"] > 20 < numbers["bytes.sent"]
        assert after["client.disconnected"] == after["session.terminated"] == 1

    scenario(tmp_path, play)


def test_stats_and_their_peaks(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        async with here.client() as client:
            await client.subscribe([("a", 0), ("a/#", 0), ("$share/g/t", 0)])
            stats = (await here.ask("GET", f"/nodes/{NODE}/stats")).json()
            assert [key for name in schema.STATS for key in (f"{name}.count", f"{name}.max")] == list(stats)
            assert stats["subscriptions.count"] == stats["topics.count"] == stats["suboptions.count"] == 3
            assert stats["subscriptions.shared.count"] == stats["subscribers.count"] == 1
            assert stats["live_connections.count"] == stats["connections.count"] == 1
        (stats,) = (await here.ask("GET", "/stats")).json()
        assert (stats["node"], stats["connections.count"], stats["connections.max"]) == (NODE, 0, 1)
        assert (stats["subscriptions.count"], stats["subscriptions.max"]) == (0, 3)
        assert "node" not in (await here.ask("GET", "/stats?aggregate=true")).json()
        assert_error(await here.ask("GET", "/stats?node=x@y"), 500, "NODE_DOWN")
        assert_error(await here.ask("GET", "/stats?aggregate=maybe"), 400, "BAD_REQUEST")

    scenario(tmp_path, play)

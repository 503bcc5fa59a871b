from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import aiomqtt
import pytest

from folkmoot.surfaces.mqtt import schema
from folkmoot.wire import mqtt
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


def test_every_way_of_going_wrong_is_counted(tmp_path: Path) -> None:
    """Packets that a client should not send, on a bare connection."""

    async def play(here: Running) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port)

        async def exchange(*packets: mqtt.Packet) -> bytes:
            writer.write(b"".join(mqtt.encode(packet, mqtt.MQTT_5) for packet in packets))
            return await asyncio.wait_for(reader.read(4096), 5)

        await exchange(mqtt.Connect(mqtt.MQTT_5, "odd"))
        await exchange(mqtt.Subscribe(1, [mqtt.Filter("a", 1), mqtt.Filter("$exclusive/a", 0)]))
        await exchange(mqtt.Ack(mqtt.Kind.PUBREC, 99))
        await exchange(mqtt.Ack(mqtt.Kind.PUBREL, 99))
        writer.write(mqtt.encode(mqtt.Ack(mqtt.Kind.PUBCOMP, 99), mqtt.MQTT_5) * 2)
        writer.write(mqtt.encode(mqtt.Ack(mqtt.Kind.PUBACK, 99), mqtt.MQTT_5) * 3)
        await exchange(mqtt.Publish("b", b"1", 2, packet_id=7))
        await exchange(mqtt.Publish("b", b"1", 2, packet_id=7))
        await exchange(mqtt.Publish("spaces/x/y", b"1", 1, packet_id=8))
        found = (await here.ask("GET", "/metrics?aggregate=true")).json()
        told = {name: found[f"packets.{name}"] for name in (
            "subscribe.error", "pubrec.missed", "pubrel.missed", "pubcomp.missed", "puback.missed", "publish.inuse",
            "publish.error", "publish.auth_error", "puback.received", "pubcomp.received",
        )}  # fmt: skip
        assert told == {
            "subscribe.error": 1,
            "pubrec.missed": 1,
            "pubrel.missed": 1,
            "pubcomp.missed": 2,
            "puback.missed": 3,
            "publish.inuse": 1,
            "publish.error": 2,
            "publish.auth_error": 1,
            "puback.received": 3,
            "pubcomp.received": 2,
        }
        assert found["client.connect"] == found["client.connack"] == found["packets.connack.sent"] == 1
        assert found["client.authenticate"] == found["client.auth.anonymous"] == 1
        # Of three, one was denied and one was there already.
        assert (found["messages.received"], found["messages.publish"]) == (3, 1)
        assert found["client.authorize"] == found["authorization.allow"] + found["authorization.deny"] > 2
        writer.close()
        with pytest.raises(aiomqtt.MqttError):
            async with here.client("ann", "wrong"):
                pass
        found = (await here.ask("GET", "/metrics?aggregate=true")).json()
        assert found["packets.connack.auth_error"] == found["packets.connack.error"] == 1
        assert found["packets.connack.sent"] == 2

    scenario(tmp_path, play)


def test_messages_for_kept_sessions_are_counted_as_persisted(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        keep = mqtt.encode(
            mqtt.Connect(mqtt.MQTT_5, "kept", properties={mqtt.Prop.SESSION_EXPIRY: 60}), mqtt.MQTT_5
        ) + mqtt.encode(mqtt.Subscribe(1, [mqtt.Filter("t", 1)]), mqtt.MQTT_5)
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
        writer.write(keep)
        while b"\x90" not in await asyncio.wait_for(reader.read(4096), 5):
            pass
        writer.close()
        for _ in range(3):
            assert (await here.ask("POST", "/publish", json={"topic": "t", "payload": "x", "qos": 1})).is_success
        assert (await here.ask("GET", "/metrics?aggregate=true")).json()["messages.persisted"] == 3
        here.management.monitoring.tick(here.stream.now() + 10)
        now = (await here.ask("GET", "/monitor_current")).json()
        assert now["persisted_rate"] == 0

    scenario(tmp_path, play)


def test_samples_and_what_is_now(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        assert (await here.ask("GET", "/monitor")).json() == []
        monitoring = here.management.monitoring
        async with here.client() as client:
            await client.subscribe("t")
            await client.publish("t", "x", qos=1)
            now = (await here.ask("GET", "/monitor_current")).json()
            assert now["received_msg_rate"] == now["sent_msg_rate"] == now["connections"] == now["topics"] == 1
            assert now["subscriptions"] == now["subscriptions_ram"] == 1
            node = (await here.ask("GET", f"/monitor_current/nodes/{NODE}")).json()
            assert set(now) - {"subscriptions_ram"} == set(node) - {"node_uptime"}
            assert 0 < node["node_uptime"] < 30_000
            assert set(node) == {
                "received_msg_rate", "sent_msg_rate", "dropped_msg_rate", "persisted_rate", "validation_succeeded_rate",
                "validation_failed_rate", "transformation_succeeded_rate", "transformation_failed_rate", "connections",
                "live_connections", "topics", "subscriptions", "subscriptions_durable",
                "disconnected_durable_sessions", "retained_msg_count", "shared_subscriptions", "node_uptime",
            }  # fmt: skip
            began = here.stream.now()
            monitoring.tick(began + 10)
        monitoring.tick(began + 20)
        await here.management.write_monitoring()
        first, second = (await here.ask("GET", "/monitor")).json()
        assert set(first) == {
            "time_stamp", "received", "sent", "dropped", "persisted", "validation_succeeded", "validation_failed",
            "transformation_succeeded", "transformation_failed", "connections", "live_connections", "topics",
            "subscriptions", "subscriptions_durable", "disconnected_durable_sessions",
        }  # fmt: skip
        assert (first["received"], first["sent"], first["connections"], first["subscriptions"]) == (1, 1, 1, 1)
        assert (second["received"], second["time_stamp"]) == (0, first["time_stamp"] + 10_000)
        assert first["time_stamp"] % 10_000 == 0
        assert (await here.ask("GET", f"/monitor/nodes/{NODE}")).json() == [first, second]
        assert (await here.ask("GET", "/monitor?latest=1000000")).json() == [first, second]
        for latest in ("0", "x"):
            assert_error(await here.ask("GET", f"/monitor?latest={latest}"), 400, "INVALID_PARAMETER")
        for path in ("/monitor/nodes/x@y", "/monitor_current/nodes/x@y"):
            assert_error(await here.ask("GET", path), 404, "NOT_FOUND")
        assert (await here.ask("DELETE", "/monitor")).status_code == 204
        assert (await here.ask("GET", "/monitor")).json() == []

    scenario(tmp_path, play)


def test_samples_and_alarms_survive_a_restart(tmp_path: Path) -> None:
    async def before(here: Running) -> None:
        here.management.monitoring.tick(here.stream.now() + 10)
        here.management.monitoring.alarms.activate("disc", "full", {"free": 0}, here.stream.now())
        assert (await here.ask("POST", "/alarms/force_deactivate", json={"name": "disc"})).status_code == 204
        here.management.monitoring.alarms.activate("net", "down", {}, here.stream.now())

    async def after(here: Running) -> None:
        assert len((await here.ask("GET", "/monitor")).json()) == 1
        assert (await here.ask("GET", "/alarms")).json()["data"] == []
        over = (await here.ask("GET", "/alarms?activated=false")).json()
        assert [each["name"] for each in over["data"]] == ["net", "disc"]

    scenario(tmp_path, before)
    scenario(tmp_path, after)


def test_alarms(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        alarms = here.management.monitoring.alarms
        began = here.stream.now() - 2
        alarms.activate("resource/x", "It does not answer", {"reason": "timeout"}, began)
        async with here.client("admin", "public") as client:
            await client.subscribe("$SYS/brokers/+/alarms/#")
            page = (await here.ask("GET", "/alarms")).json()
            assert page["meta"] == {"page": 1, "limit": 100, "count": 1, "hasnext": False}
            (alarm,) = page["data"]
            assert 2000 <= alarm.pop("duration") < 10_000
            assert abs(datetime.fromisoformat(alarm.pop("activate_at")).timestamp() - began) < 0.01
            assert alarm == {
                "node": NODE,
                "name": "resource/x",
                "message": "It does not answer",
                "details": {"reason": "timeout"},
            }
            assert (await here.ask("GET", "/alarms?activated=false")).json()["data"] == []
            assert (await here.ask("POST", "/alarms/force_deactivate", json={"name": "resource/x"})).status_code == 204
            told = await asyncio.wait_for(anext(client.messages), 5)
            assert str(told.topic) == f"$SYS/brokers/{NODE}/alarms/deactivate"
        assert_error(await here.ask("POST", "/alarms/force_deactivate", json={"name": "resource/x"}), 400, "NOT_FOUND")
        assert_error(await here.ask("POST", "/alarms/force_deactivate", json={}), 400, "BAD_REQUEST")
        assert (await here.ask("GET", "/alarms")).json()["data"] == []
        (alarm,) = (await here.ask("GET", "/alarms?activated=false")).json()["data"]
        assert datetime.fromisoformat(alarm["deactivate_at"]) > datetime.fromisoformat(alarm["activate_at"])
        assert_error(await here.ask("GET", "/alarms?activated=maybe"), 400, "BAD_REQUEST")
        assert (await here.ask("DELETE", "/alarms")).status_code == 204
        assert (await here.ask("GET", "/alarms?activated=false")).json()["data"] == []

    scenario(tmp_path, play)


def test_who_comes_and_goes_is_told_below_sys(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        async with here.client("admin", "public") as ear:
            await ear.subscribe("$SYS/brokers/#")
            kept = [str((await asyncio.wait_for(anext(ear.messages), 5)).topic) for _ in range(3)]
            assert sorted(kept) == [
                "$SYS/brokers",
                f"$SYS/brokers/{NODE}/sysdescr",
                f"$SYS/brokers/{NODE}/version",
            ]
            async with here.client(identifier="dev"):
                pass
            topics = [str((await asyncio.wait_for(anext(ear.messages), 5)).topic) for _ in range(2)]
            assert topics == [f"$SYS/brokers/{NODE}/clients/dev/{each}" for each in ("connected", "disconnected")]

    scenario(tmp_path, play)


def test_a_client_that_does_not_read_is_an_alarm(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port, limit=1024)
        writer.write(mqtt.encode(mqtt.Connect(mqtt.MQTT_5, "deaf"), mqtt.MQTT_5))
        writer.write(mqtt.encode(mqtt.Subscribe(1, [mqtt.Filter("flood", 0)]), mqtt.MQTT_5))
        while b"\x90" not in await asyncio.wait_for(reader.read(1024), 5):
            pass
        async with here.client() as client:
            for _ in range(200):
                await client.publish("flood", b"x" * 65_536, qos=1)
        here.management.monitoring.tick(here.stream.now() + 5)
        (alarm,) = (await here.ask("GET", "/alarms")).json()["data"]
        assert alarm["name"] == "conn_congestion/deaf/unknown_user"
        assert alarm["details"]["clientid"] == "deaf" and alarm["details"]["waiting_bytes"] > 1_000_000
        assert (await here.ask("GET", "/metrics?aggregate=true")).json()["delivery.dropped.qos0_msg"] > 50
        writer.transport.abort()

    scenario(tmp_path, play)

"""Alarms and what raises them: machine and connections."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from folkmoot.domain.broker import Alarm
from folkmoot.domain.monitoring import (
    Alarms,
    Machine,
    Outlet,
    Overseer,
    delete_alarm_history,
    list_alarms,
    save_alarms,
)
from folkmoot.store import Database
from folkmoot.wire import mqtt
from tests.domain.broker.ends import End, Room

NODE = "emqx@127.0.0.1"


def alarms(room: Room) -> Alarms:
    return Alarms(room.broker, Outlet(room.broker, NODE, lambda: room.clock.now))


def heard(end: End) -> list[tuple[str, object]]:
    """Topic and content of what came."""
    found = []
    for packet in end.read():
        assert isinstance(packet, mqtt.Publish)
        found.append((packet.topic, json.loads(packet.payload)))
    return found


def test_an_alarm_is_told_once_and_goes_into_the_history() -> None:
    room = Room()
    kept, told = alarms(room), list[tuple[str, Alarm]]()
    room.broker.happenings.alarm_activated.append(lambda alarm, now: told.append(("on", alarm)))
    room.broker.happenings.alarm_deactivated.append(lambda alarm, now: told.append(("off", alarm)))
    ear = room.subscriber("ear", "$SYS/brokers/+/alarms/#")
    began = room.clock.now
    assert kept.activate("disc", "The disc is full", {"usage": "99%"}, began)
    assert not kept.activate("disc", "again", {}, began + 1)
    assert kept.deactivate("disc", began + 2.5)
    assert not kept.deactivate("disc", began + 3)
    assert not kept.active
    assert [(one.name, one.activated_at, one.deactivated_at) for one in kept.history] == [("disc", began, began + 2.5)]
    assert [(way, one.message) for way, one in told] == [("on", "The disc is full"), ("off", "The disc is full")]
    started = {"name": "disc", "message": "The disc is full", "details": {"usage": "99%"}}
    assert heard(ear) == [
        (
            f"$SYS/brokers/{NODE}/alarms/activate",
            {**started, "activate_at": int(began * 1e6), "deactivate_at": "infinity", "activated": True},
        ),
        (
            f"$SYS/brokers/{NODE}/alarms/deactivate",
            {
                **started,
                "activate_at": int(began * 1e6),
                "deactivate_at": int((began + 2.5) * 1e6),
                "activated": False,
            },
        ),
    ]


def test_without_the_action_nothing_is_published() -> None:
    room = Room()
    ear = room.subscriber("ear", "$SYS/#")
    room.broker.options.alarm.actions = ["log"]
    alarms(room).activate("disc", "full", {}, room.clock.now)
    assert heard(ear) == []


def test_the_history_is_bounded_in_number_and_time() -> None:
    room = Room()
    kept, now = alarms(room), room.clock.now
    room.broker.options.alarm.size_limit = 2
    for name in "abc":
        kept.activate(name, name, {}, now)
        kept.deactivate(name, now)
    assert [one.name for one in kept.history] == ["b", "c"]
    kept.expire(now + room.broker.options.alarm.validity_period)
    assert kept.history == []


def test_alarms_are_kept_and_end_with_the_run_that_raised_them(broker_database: Database) -> None:
    room = Room()
    kept, now = alarms(room), room.clock.now
    long_ago = datetime.fromtimestamp(now, UTC) - timedelta(days=1)
    kept.activate("cpu", "hot", {"usage": "81%"}, now)
    kept.activate("disc", "full", {}, now + 0.5)
    kept.deactivate("cpu", now + 1)
    broker_database.write_now(save_alarms, kept.take(), long_ago, 1000)
    assert kept.take() == []

    later = alarms(room)
    later.restore(broker_database.read_now(list_alarms), now + 60)
    assert not later.active
    assert [(one.name, one.deactivated_at) for one in later.history] == [("cpu", now + 1), ("disc", now + 60)]
    assert later.history[0].details == {"usage": "81%"}
    broker_database.write_now(save_alarms, later.take(), long_ago, 1)
    assert [one.name for one in broker_database.read_now(list_alarms)] == ["disc"]
    later.give_back([later.history[0]])
    broker_database.write_now(delete_alarm_history)
    later.forget_history()
    assert (broker_database.read_now(list_alarms), later.history, later.take()) == ([], [], [])


def write_proc(proc: Path, *, idle: int, busy: int, available: int, own_pages: int) -> None:
    (proc / "self").mkdir(parents=True, exist_ok=True)
    (proc / "stat").write_text(f"cpu  {busy} 0 0 {idle} 0 0 0 0 0 0\ncpu0 1 1 1 1\n")
    (proc / "meminfo").write_text(f"MemTotal:       1000000 kB\nMemFree: 1 kB\nMemAvailable: {available} kB\n")
    (proc / "self" / "statm").write_text(f"900000 {own_pages} 1 1 0 1 0\n")


def test_the_machine_raises_alarms_by_its_watermarks(tmp_path: Path) -> None:
    room = Room()
    write_proc(tmp_path, idle=0, busy=0, available=900_000, own_pages=1000)
    kept, now = alarms(room), room.clock.now
    overseer = Overseer(room.broker, kept, Machine(tmp_path), now)

    def after(seconds: float, **state: int) -> set[str]:
        nonlocal now
        now += seconds
        write_proc(tmp_path, **state)
        overseer.tick(now)
        return set(kept.active)

    hot = {"idle": 10, "busy": 90, "available": 100_000, "own_pages": 20_000}
    assert after(59, **hot) == set()
    assert after(1, **hot) == {"high_cpu_usage", "high_system_memory_usage", "high_process_memory_usage"}
    assert kept.active["high_cpu_usage"].message == "90% cpu usage"
    assert kept.active["high_cpu_usage"].details["high_watermark"] == "80%"
    assert kept.active["high_system_memory_usage"].details == {"usage": "90%", "high_watermark": "70%"}
    # Between the two watermarks the processors' alarm stays.
    assert after(60, idle=40, busy=160, available=900_000, own_pages=1000) == {"high_cpu_usage"}
    assert after(60, idle=140, busy=170, available=900_000, own_pages=1000) == set()
    room.broker.options.sysmon.mem_check_interval = None
    assert after(60, idle=240, busy=170, available=1, own_pages=1000) == set()


def test_a_connection_that_does_not_read_is_an_alarm_until_it_has_read_for_a_while(tmp_path: Path) -> None:
    room = Room()
    kept = alarms(room)
    slow = room.enter("slow")
    # The machine itself may be busy.
    room.broker.options.sysmon.cpu_high_watermark = 1.1
    overseer = Overseer(room.broker, kept, Machine(), room.clock.now)
    slow.link.room = 0
    overseer.tick(room.clock.now + 5)
    (alarm,) = kept.active.values()
    assert alarm.name == "conn_congestion/slow/unknown_user"
    assert alarm.details["peername"] == "127.0.0.1:4711"
    slow.link.room = 1000
    overseer.tick(room.clock.now + 60)
    assert kept.active
    overseer.tick(room.clock.now + 66)
    assert not kept.active
    room.broker.options.conn_congestion.enable_alarm = False
    slow.link.room = 0
    overseer.tick(room.clock.now + 80)
    assert not kept.active

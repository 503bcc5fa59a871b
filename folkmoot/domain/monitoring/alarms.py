"""Alarms: what is wrong now, and what was; with their history, which is kept.

Whoever finds something wrong calls `activate`, and `deactivate` when it is over; both may be called again and again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog

from folkmoot.domain.broker import Alarm, Broker
from folkmoot.store import Transaction, constructor, readable

from .outlet import Outlet

log = structlog.get_logger("mqtt.alarms")


class Alarms:
    """The alarms of one broker; times are seconds since 1970.

    Changes are noted in memory and taken by whoever writes them to the database: `take`, and `give_back` when that failed.
    """

    def __init__(self, broker: Broker, outlet: Outlet) -> None:
        self._broker = broker
        self._outlet = outlet
        self.active: dict[str, Alarm] = {}
        self.history: list[Alarm] = []
        """Those that are over, oldest first."""
        self._unsaved: dict[tuple[str, float], Alarm] = {}

    def activate(self, name: str, message: str, details: dict[str, Any], now: float) -> bool:
        """Something is wrong; False when that is known."""
        if name in self.active:
            return False
        alarm = self.active[name] = Alarm(name, message, details, now)
        self._unsaved[name, now] = alarm
        if "log" in self._broker.options.alarm.actions:
            log.warning("alarm", name=name, message=message)
        self._publish("activate", alarm)
        self._broker.happenings.tell(self._broker.happenings.alarm_activated, alarm, now)
        return True

    def deactivate(self, name: str, now: float) -> bool:
        """It is over; False when nothing was wrong."""
        alarm = self.active.pop(name, None)
        if alarm is None:
            return False
        alarm = msgspec.structs.replace(alarm, deactivated_at=now)
        self._unsaved[name, alarm.activated_at] = alarm
        self.history.append(alarm)
        self.expire(now)
        if "log" in self._broker.options.alarm.actions:
            log.warning("alarm is over", name=name)
        self._publish("deactivate", alarm)
        self._broker.happenings.tell(self._broker.happenings.alarm_deactivated, alarm, now)
        return True

    def forget_history(self) -> None:
        """Only what is wrong now remains; the caller deletes what is kept."""
        self.history.clear()
        self._unsaved = {key: alarm for key, alarm in self._unsaved.items() if alarm.deactivated_at is None}

    def expire(self, now: float) -> None:
        """Forgets what is too old, and the oldest of too many."""
        options = self._broker.options.alarm
        oldest = now - options.validity_period
        kept = [alarm for alarm in self.history if (alarm.deactivated_at or now) > oldest]
        self.history = kept[max(0, len(kept) - options.size_limit) :]

    def restore(self, kept: Iterable[Alarm], now: float) -> None:
        """Goes on with the last run's alarms; what was wrong then has to be found again."""
        for alarm in kept:
            if alarm.deactivated_at is None:
                alarm = msgspec.structs.replace(alarm, deactivated_at=now)
                self._unsaved[alarm.name, alarm.activated_at] = alarm
            self.history.append(alarm)
        self.history.sort(key=lambda alarm: alarm.deactivated_at or now)
        self.expire(now)

    def take(self) -> list[Alarm]:
        """What differs from the database."""
        unsaved, self._unsaved = self._unsaved, {}
        return list(unsaved.values())

    def give_back(self, alarms: Iterable[Alarm]) -> None:
        """What was taken could not be written."""
        self._unsaved = {(alarm.name, alarm.activated_at): alarm for alarm in alarms} | self._unsaved

    def _publish(self, way: str, alarm: Alarm) -> None:
        if "publish" in self._broker.options.alarm.actions:
            self._outlet.say(f"alarms/{way}", lambda: msgspec.json.encode(_told(alarm)))


def _told(alarm: Alarm) -> dict[str, Any]:
    # EMQX: microseconds here, unlike everywhere else
    ended = alarm.deactivated_at
    return {
        "name": alarm.name,
        "message": alarm.message,
        "details": alarm.details,
        "activate_at": int(alarm.activated_at * 1e6),
        "deactivate_at": "infinity" if ended is None else int(ended * 1e6),
        "activated": ended is None,
    }


class _Row(msgspec.Struct, frozen=True):
    name: str
    message: str
    details: str
    activated_at: datetime
    deactivated_at: datetime | None


def list_alarms(tx: Transaction) -> list[Alarm]:
    """All alarms that are kept, in no order."""
    rows = tx.rows("SELECT name, message, details, activated_at, deactivated_at FROM alarms")
    return readable(rows, lambda row: _alarm(constructor(_Row)(row)), "alarms")


def _alarm(row: _Row) -> Alarm:
    return Alarm(
        row.name,
        row.message,
        msgspec.json.decode(row.details, type=dict[str, Any]),
        row.activated_at.timestamp(),
        None if row.deactivated_at is None else row.deactivated_at.timestamp(),
    )


def save_alarms(tx: Transaction, alarms: Iterable[Alarm], oldest: datetime, most: int) -> None:
    """Keep alarms as they are now; drop of those that are over what ended before `oldest`, and the oldest beyond `most`."""
    for alarm in alarms:
        tx.run(
            "INSERT INTO alarms (name, activated_at, deactivated_at, message, details)"
            " VALUES (:name, :activated_at, :deactivated_at, :message, :details)"
            " ON CONFLICT (name, activated_at) DO UPDATE SET deactivated_at = excluded.deactivated_at",
            name=alarm.name,
            activated_at=_moment(alarm.activated_at),
            deactivated_at=None if alarm.deactivated_at is None else _moment(alarm.deactivated_at),
            message=alarm.message,
            details=msgspec.json.encode(alarm.details).decode(),
        )
    tx.run("DELETE FROM alarms WHERE deactivated_at < :oldest", oldest=oldest)
    last = tx.value(
        "SELECT deactivated_at FROM alarms WHERE deactivated_at IS NOT NULL"
        " ORDER BY deactivated_at DESC LIMIT 1 OFFSET :most",
        most=most,
    )
    if last is not None:
        tx.run("DELETE FROM alarms WHERE deactivated_at <= :last", last=last)


def delete_alarm_history(tx: Transaction) -> None:
    """Forget all alarms that are over."""
    tx.run("DELETE FROM alarms WHERE deactivated_at IS NOT NULL")


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)

"""What the broker's database holds, read again at a start: retained messages, and sessions with all that is theirs.

A row that makes no sense, or belongs to nothing, is reported as damaged and left out; it never keeps the broker from starting.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from folkmoot.store import Transaction

from .model import KEPT_OF_CLIENT, Client, Damaged, Delivery, Identity, Kept, Message, Postponed
from .options import Limits
from .queries import COLUMNS, key
from .sessions import Session, Subscription
from .topics import EXCLUSIVE, is_filter, is_topic, split_shared

_MICROSECONDS = 1_000_000


def list_retained(tx: Transaction, damaged: list[Damaged] | None = None) -> list[Message]:
    """All retained messages."""
    found: list[Message] = []

    def read(_: object, topic: Any, payload: Any, qos: Any, *rest: Any) -> None:
        message = _message(topic, payload, qos, True, *rest)
        _require(bool(message.payload), "an empty retained message")
        found.append(message)

    _each(tx, "retained", read, [] if damaged is None else damaged)
    return sorted(found, key=lambda message: message.topic)


def list_delayed(tx: Transaction, damaged: list[Damaged]) -> list[Postponed]:
    """All messages that are to be published later."""
    found: list[Postponed] = []

    def read(number: Any, *columns: Any) -> None:
        account_id, due_at, interval = columns[-3:]
        message = _message(*columns[:-3])
        _require(interval >= 0, "an impossible interval")
        found.append(Postponed(int(number), message, _seconds(due_at), float(interval), _optional(int, account_id)))

    _each(tx, "delayed_messages", read, damaged)
    return found


def read_sessions(tx: Transaction, limits: Limits, damaged: list[Damaged], now: float) -> tuple[Kept, list[Session]]:
    """All sessions that were kept, and what the ledger must know of them."""
    reading = _Reading(limits, now)
    for table, read in (
        ("sessions", reading.session),
        ("session_wills", reading.will),
        ("session_clients", reading.client),
        ("session_filters", reading.filter),
        ("received_ids", reading.received),
        ("queued_messages", reading.message),
        ("deliveries", reading.delivery),
    ):
        _each(tx, table, read, damaged)
    needed = {row for row, _ in reading.kept.messages.values()}
    reading.kept.idle = [row for row in reading.messages if row not in needed]
    return reading.kept, list(reading.sessions.values())


class _Reading:
    """Puts the rows together, table by table, in the order above; each method raises for a row that makes no sense."""

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self._now = now
        self.sessions: dict[int, Session] = {}
        self._names: set[str] = set()
        self.messages: dict[int, Message] = {}
        self.kept = Kept()

    def session(self, number: Any, client_id: Any, account_id: Any, account_name: Any, *rest: Any) -> None:
        clean_start, expiry_interval, created_at, connected_at, disconnected_at, expires_at = rest
        identity = Identity(_optional(int, account_id), _optional(_text, account_name))
        session = Session(_text(client_id), identity, self._limits, _seconds(created_at))
        _require(session.client_id not in self._names and bool(session.client_id), "two sessions of one client")
        session.number = int(number)
        session.clean_start = bool(clean_start)
        session.expiry_interval = int(expiry_interval)
        _require(0 <= session.expiry_interval <= 0xFFFFFFFF, "an impossible expiry")
        session.connected_at = _seconds(connected_at)
        session.disconnected_at = _optional(_seconds, disconnected_at)
        session.expires_at = _optional(_seconds, expires_at)
        self._names.add(session.client_id)
        self.sessions[session.number] = session
        self._count(session.number)

    def will(self, number: Any, topic: Any, payload: Any, qos: Any, retain: Any, *rest: Any) -> None:
        fields, expiry, delay, due_at = rest
        session = self.sessions[number]
        will = _message(topic, payload, qos, retain, fields, 0, None, session.client_id.encode(), None)
        will.from_name = session.identity.name
        will.expires_at = float(expiry)
        session.will_delay, session.will_at = int(delay), _optional(_seconds, due_at)
        session.will = will

    def client(self, number: Any, document: Any) -> None:
        session, found = self.sessions[number], msgspec.json.decode(_text(document))
        client, wanted = session.client, msgspec.convert({name: found[name] for name in KEPT_OF_CLIENT}, Client)
        realm, user_id = _text(found.get("realm", "")), _optional(_text, found.get("user_id"))
        token_id = msgspec.convert(found.get("token_id"), int | None)
        self.kept.owed[number] = msgspec.convert(found.get("owed", []), list[str])
        whose = msgspec.structs.replace(session.identity, token_id=token_id, realm=realm, user_id=user_id)
        session.identity = client.identity = whose
        for name in KEPT_OF_CLIENT:
            setattr(client, name, getattr(wanted, name))

    def filter(self, number: Any, filter_key: Any, topic_filter: Any, *rest: Any) -> None:
        qos, no_local, retain_as_published, retain_handling, identifier = rest
        session, name = self.sessions[number], _text(topic_filter)
        _require(bytes(filter_key) == key(name), "a filter under the key of another")
        plain = name.removeprefix(EXCLUSIVE)
        group, inner = split_shared(plain)
        _require(is_filter(inner) and 0 <= qos <= 2 and 0 <= retain_handling <= 2, "an impossible subscription")
        subscription = Subscription(session, plain, group, inner)
        subscription.is_exclusive = plain != name
        subscription.qos, subscription.retain_handling = int(qos), int(retain_handling)
        subscription.no_local, subscription.retain_as_published = bool(no_local), bool(retain_as_published)
        subscription.identifier = int(identifier)
        session.subscriptions[plain] = subscription

    def received(self, number: Any, packet_id: Any) -> None:
        _require(0 < packet_id <= 0xFFFF, "an impossible packet identifier")
        self.sessions[number].awaiting[packet_id] = self._now

    def message(self, number: Any, *columns: Any) -> None:
        self.messages[number] = _message(*columns)
        self._count(number)

    def delivery(self, place: Any, number: Any, row: Any, qos: Any, retain: Any, identifiers: Any, *rest: Any) -> None:
        share_group, share_filter, packet_id, released = rest
        session, message = self.sessions[number], self.messages[row]
        _require(1 <= qos <= 2, "an impossible quality")
        share = None if share_group is None else (_text(share_group), _text(share_filter))
        numbers = tuple(int(each) for each in _text(identifiers).split(",") if each)
        delivery = Delivery(message, int(qos), bool(retain), numbers, share, int(place))
        if packet_id is None:
            session.queue.append(delivery)
        else:
            _require(0 < packet_id <= 0xFFFF and packet_id not in session.inflight, "an impossible packet identifier")
            session.inflight[packet_id] = delivery
            session.last_id = packet_id
            if released:
                session.released.add(packet_id)
        self.kept.messages.setdefault(message.number, [int(row), 0])[1] += 1
        self._count(delivery.place)

    def _count(self, number: Any) -> None:
        self.kept.last = max(self.kept.last, int(number))


def _each(tx: Transaction, table: str, read: Callable[..., None], damaged: list[Damaged]) -> None:
    keys, others = COLUMNS[table]
    # Text that is no UTF-8 must not fail the whole query.
    texts = [f"CAST({name} AS BLOB)" if tx.dialect == "sqlite" and name in _TEXTS else name for name in others]
    for row in tx.rows(f"SELECT {', '.join((*keys, *texts))} FROM {table} ORDER BY {', '.join(keys)}"):
        try:
            read(*row)
        except (ValueError, TypeError, KeyError, OverflowError, msgspec.MsgspecError) as error:
            damaged.append(Damaged(table, tuple(row), f"{type(error).__name__}: {error}"))


_TEXTS = frozenset(
    {
        "topic", "from_client", "from_name", "client_id", "account_name", "topic_filter",
        "identifiers", "share_group", "share_filter", "document",
    }
)  # fmt: skip


def _message(topic: Any, payload: Any, qos: Any, retain: Any, *rest: Any) -> Message:
    fields, published_at, expires_at, from_client, from_name = rest
    name = _text(topic)
    _require(is_topic(name, len(name) + 1) and 0 <= qos <= 2, "an impossible message")
    return Message(
        name,
        _octets(payload),
        int(qos),
        bool(retain),
        _octets(fields),
        float(expires_at or 0) / _MICROSECONDS,
        _seconds(published_at),
        _text(from_client),
        _optional(_text, from_name),
    )


def _require(right: bool, reason: str) -> None:
    if not right:
        raise ValueError(reason)


def _optional(convert: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else convert(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else bytes(value).decode()


def _octets(value: Any) -> bytes:
    if isinstance(value, str | int):
        raise TypeError("octets that are none")
    return bytes(value)


def _seconds(value: Any) -> float:
    return float(value) / _MICROSECONDS

"""What a trace writes: hears what happens in the broker, makes lines of it, and writes them as text or JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from folkmoot.domain.broker import (
    Broker,
    Client,
    Delivery,
    Identity,
    Link,
    Message,
    Session,
    Subscription,
    Verdict,
    Wish,
    matches,
    split_shared,
)

#: Of longer payloads only the beginning is written.
_PAYLOAD_MAX = 4096
_HIDDEN = "******"
_NOBODY = Identity()


class Line(msgspec.Struct):
    """One thing that happened. `details` may hold a `payload` of bytes, which the trace says how to write."""

    at: float
    tag: str
    words: str
    client: Client | None
    details: dict[str, Any]

    def concerns(self, subject: str, value: str, topic: str | None) -> bool:
        """Whether it is about this client, address or topic."""
        if subject == "topic":
            return topic is not None and matches(split_shared(value)[1], topic)
        if self.client is None:
            return False
        return value == (self.client.client_id if subject == "clientid" else self.client.address)


class Listener:
    """Hears what happens until `stop`. `topics` are the filters of the messages wanted, None for all.

    Each line goes to `note`, with the topic it is about.
    """

    def __init__(self, broker: Broker, topics: Sequence[str] | None, note: Callable[[Line, str | None], None]) -> None:
        self._broker = broker
        self._topics = None if topics is None else [split_shared(each)[1] for each in topics]
        self._note = note
        happenings = broker.happenings
        self._heard: list[tuple[list[Any], Any]] = [
            (happenings.answered, self._answered),
            (happenings.disconnected, self._disconnected),
            (happenings.subscribed, self._subscribed),
            (happenings.unsubscribed, self._unsubscribed),
            (happenings.judged, self._judged),
            (happenings.published, self._published),
            (happenings.unrouted, self._unrouted),
            (happenings.dropped, self._dropped),
            (happenings.delivered, self._delivered),
            (happenings.acked, self._acked),
            (happenings.watchers, self._watches),
        ]
        for hearers, hearer in self._heard:
            hearers.append(hearer)
        broker.forget_routes()

    def stop(self) -> None:
        """Hears nothing more."""
        for hearers, hearer in self._heard:
            hearers.remove(hearer)
        self._broker.forget_routes()

    def _watches(self, topic: str) -> bool:
        return self._topics is None or any(matches(each, topic) for each in self._topics)

    def _answered(self, link: Link, code: int, now: float) -> None:
        self._note(Line(now, "MQTT", "connack_sent", link.client, {"reason_code": code}), None)

    def _disconnected(self, session: Session, link: Link, reason: str, now: float) -> None:
        self._note(Line(now, "SOCKET", "disconnected", link.client, {"reason": reason}), None)

    def _subscribed(self, subscription: Subscription, now: float) -> None:
        details = {"topic": subscription.topic_filter, "qos": subscription.qos}
        self._note(Line(now, "SUBSCRIBE", "subscribe", subscription.session.client, details), subscription.inner_filter)

    def _unsubscribed(self, subscription: Subscription, now: float) -> None:
        details = {"topic": subscription.topic_filter}
        self._note(
            Line(now, "UNSUBSCRIBE", "unsubscribe", subscription.session.client, details), subscription.inner_filter
        )

    def _judged(self, client: Client, wish: Wish, verdict: Verdict, source: str, now: float) -> None:
        details = {"action": wish.action, "topic": wish.topic, "result": verdict.name.lower(), "source": source}
        self._note(Line(now, "AUTHZ", "authorization_result", client, details), wish.topic)

    def _published(self, message: Message, client: Client | None, now: float) -> None:
        self._note(Line(now, "PUBLISH", "publish_to", client, self._content(message)), message.topic)

    def _unrouted(self, message: Message, reason: str, now: float) -> None:
        details = {"topic": message.topic, "reason": reason}
        self._note(Line(now, "PUBLISH", "message_dropped", self._sender(message), details), message.topic)

    def _delivered(self, session: Session, delivery: Delivery, now: float) -> None:
        self._on_the_way("delivered", session, delivery, now)

    def _acked(self, session: Session, delivery: Delivery, now: float) -> None:
        self._on_the_way("acked", session, delivery, now)

    def _dropped(self, session: Session, delivery: Delivery, reason: str, now: float) -> None:
        self._on_the_way("delivery_dropped", session, delivery, now, reason=reason)

    def _on_the_way(self, words: str, session: Session, delivery: Delivery, now: float, **more: str) -> None:
        details = {**self._content(delivery.message), "qos": delivery.qos, "from": delivery.message.from_client, **more}
        self._note(Line(now, "DELIVERY", words, session.client, details), delivery.message.topic)

    def _sender(self, message: Message) -> Client | None:
        session = self._broker.sessions.get(message.from_client)
        return None if session is None else session.client

    def _content(self, message: Message) -> dict[str, Any]:
        # Whoever reads traces need not be somebody who may read what is said in a closed space.
        payload = message.payload if self._broker.gate.may_receive(_NOBODY, message.topic) else _HIDDEN
        return {"topic": message.topic, "qos": message.qos, "retain": message.retain, "payload": payload}


def _shown(payload: bytes, encoding: str) -> str:
    if encoding == "hidden":
        return _HIDDEN
    cut = payload[:_PAYLOAD_MAX]
    text = cut.hex() if encoding == "hex" else cut.decode(errors="replace")
    return text if len(cut) == len(payload) else f"{text}... ({len(payload)} bytes)"


def _described(line: Line, encoding: str) -> dict[str, Any]:
    return {name: _veiled(name, value, encoding) for name, value in line.details.items()}


def _veiled(name: str, value: Any, encoding: str) -> Any:
    """A value with the payloads in it, however deep, as the trace says."""
    if isinstance(value, dict):
        return {inner: _veiled(inner, each, encoding) for inner, each in value.items()}
    if isinstance(value, list):
        return [_veiled(name, each, encoding) for each in value]
    if isinstance(value, bytes) or (name == "payload" and isinstance(value, str) and value != _HIDDEN):
        return _shown(value if isinstance(value, bytes) else value.encode(errors="replace"), encoding)
    return value


def _moment(line: Line) -> str:
    return datetime.fromtimestamp(line.at).astimezone().isoformat(timespec="microseconds")


def _whose(line: Line) -> dict[str, Any]:
    client = line.client
    if client is None:
        return {}
    return {"clientid": client.client_id, "username": client.username, "peername": f"{client.address}:{client.port}"}


def _text(line: Line, encoding: str) -> bytes:
    told = {**_whose(line), "msg": line.words, **_described(line, encoding)}
    # One line each, whatever a client sends.
    words = ", ".join(f"{name}: {_flat(value)}" for name, value in told.items() if value is not None)
    return f"{_moment(line)} [{line.tag}] {words}\n".encode()


def _flat(value: Any) -> str:
    return str(value).replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")


def _json(line: Line, encoding: str) -> bytes:
    told = {
        "time": _moment(line),
        "level": "debug",
        "msg": line.words,
        "meta": {"trace_tag": line.tag, **_whose(line), **_described(line, encoding)},
    }
    return msgspec.json.encode(told, enc_hook=str) + b"\n"


#: How lines are written.
FORMATS: dict[str, Callable[[Line, str], bytes]] = {"text": _text, "json": _json}

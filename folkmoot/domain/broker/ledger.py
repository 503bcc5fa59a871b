"""What of the broker's memory must survive a kill, noted as it changes and handed out in groups.

Theory. A session with an expiry is *kept*: it has this ledger as `Session.ledger` and a number; all other sessions have none
and cost nothing here, unless they have a will: then they have a number alone, and rows for themselves and the will. `changes`
holds the last state of every row that differs from the database, by its key: a group is no larger than what it touches, and
what came and went between two commits is never written. Every row has a number from a counter that only grows, and `_taken`
remembers where the counter stood when the last group was taken: what is younger than that has never been near the disk and
can be removed by forgetting it.

A group is taken with a ticket; whoever must wait for it puts its packet into `Link.held`. What waits:
- the acknowledgement of a message that a kept session must get, or that is retained, and the SUBACK of a kept session;
- PUBREC, PUBREL and PUBCOMP of a kept session, and every QoS 2 PUBLISH to it: its identifier must be known after a kill, or
  the message would come twice. QoS 1 PUBLISH goes at once; it may come twice anyway.
Rules for changing it: but for its will nothing is noted of a session that is not kept; a group that failed goes back under
what was noted since; the state after any group is one the broker was in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec import json

from folkmoot.wire.mqtt import Reason

from .model import KEPT_OF_CLIENT, Changes, Delivery, Kept, Message, Postponed, Row
from .sessions import Session, Subscription

if TYPE_CHECKING:
    from .broker import Broker
    from .links import Link

_MICROSECONDS = 1_000_000


class Ledger:
    """See above. `durable` says that somebody takes groups and says what became of them."""

    def __init__(self, broker: Broker, durable: bool) -> None:
        self._broker = broker
        self.durable = durable
        self.unsaved = False
        """There is something to take."""
        self.noted = 0
        """Grows with everything noted, so that a caller sees whether what it did must be waited for."""
        self.ticket = 1
        """The group being collected."""
        self.changes = Changes()
        self.holding: set[Link] = set()
        self._touched: dict[int, Session] = {}
        self._messages: dict[int, list[int]] = {}
        """Number of a message → its row, and how many deliveries need it."""
        self._last = self._taken = 0
        self.done = 0
        """The last ticket that was committed."""

    # --- groups -------------------------------------------------------------------------------------------------------

    def _note(self) -> None:
        self.noted += 1
        if not self.unsaved:
            self.unsaved = True
            if not self._broker.is_awake:
                self._broker.wake()

    def waits_for(self) -> int:
        """The ticket after which everything noted so far is kept; 0 when it is."""
        last = self.ticket if self.unsaved else self.ticket - 1
        return last if last > self.done else 0

    def take(self) -> tuple[int, Changes]:
        """What is to be committed now, and the ticket for `committed` or `failed`."""
        changes, self.changes = self.changes, Changes()
        self._broker.count["messages.persisted"] += _messages(changes)
        for number, session in self._touched.items():
            changes.sessions[number] = _session_row(session)
            changes.wills[number] = _will_row(session)
            changes.clients[number] = _client_row(session)
        self._touched.clear()
        self._taken, self.unsaved = self._last, False
        self.ticket += 1
        return self.ticket - 1, changes

    def committed(self, ticket: int) -> None:
        """Sends what waited for this or an earlier group."""
        self.done = ticket
        for link in list(self.holding):
            while link.held and link.held[0][0] <= ticket:
                link.out.append(link.held.popleft()[1])
                if not link.dirty:
                    link.mark()
            if not link.held:
                self.holding.discard(link)

    def failed(self, ticket: int, changes: Changes, now: float) -> None:
        """The commit failed: whoever waits for it is cut off and will send again; the changes are part of the next group."""
        self._broker.count["messages.persisted"] -= _messages(changes)
        self.changes = changes.under(self.changes)
        self.unsaved = True
        for link in list(self.holding):
            if any(waits_for and waits_for <= ticket for waits_for, _ in link.held):
                link.end(Reason.IMPLEMENTATION_ERROR, now)

    # --- what happens -------------------------------------------------------------------------------------------------

    def retain(self, topic: str, message: Message | None) -> None:
        """The retained message of a topic, or that it has none any more."""
        if self.durable:
            self.changes.retained[topic] = message
            self._note()

    def next_number(self) -> int:
        """A number for something that is kept."""
        self._last += 1
        return self._last

    def delay(self, one: Postponed) -> None:
        """A message is to be published later."""
        if self.durable:
            self.changes.delayed[one.number] = one
            self._note()

    def undelay(self, number: int) -> None:
        """It is published, or will not be."""
        self.changes.delayed.pop(number, None)
        if self.durable:
            if number <= self._taken:
                self.changes.delayed[number] = None
            self._note()

    def follow(self, session: Session) -> None:
        """A client has come into its session: it is kept from now on, or not any more, or only its will is."""
        if session.ledger is not None and not session.expiry_interval:
            self.end(session)
        if not session.number and (session.expiry_interval or session.will is not None) and self.durable:
            session.number = self.next_number()
        if session.ledger is None and session.expiry_interval and self.durable:
            session.ledger = self
            self._adopt(session)
        self.touch(session)

    def touch(self, session: Session) -> None:
        """Something of the session itself, or its will, has changed."""
        if session.number:
            self._touched[session.number] = session
            self._note()

    def _adopt(self, session: Session) -> None:
        for subscription in session.subscriptions.values():
            self.subscribe(subscription)
        for packet_id in session.awaiting:
            self.receive(session, packet_id)
        for packet_id, delivery in session.on_its_way().items():
            kept = session.inflight[packet_id] = self.keep(session, delivery)
            self.send(session, kept, packet_id)
        for at, delivery in enumerate(session.queue):
            if delivery.qos:
                session.queue[at] = self.keep(session, delivery)

    def end(self, session: Session) -> None:
        """The session is over, or need not survive any more."""
        number = session.number
        if session.ledger is not None:
            for subscription in session.subscriptions.values():
                self.unsubscribe(subscription)
            for packet_id in session.awaiting:
                self.release(session, packet_id)
            for delivery in (*session.on_its_way().values(), *session.queue):
                self.drop(delivery)
        session.ledger, session.number = None, 0
        self._touched.pop(number, None)
        self.changes.sessions.pop(number, None)
        self.changes.wills.pop(number, None)
        self.changes.clients.pop(number, None)
        if number <= self._taken:
            self.changes.sessions[number] = self.changes.wills[number] = self.changes.clients[number] = None
        self._note()

    def subscribe(self, subscription: Subscription) -> None:
        """A subscription of a kept session was made or changed."""
        self.changes.filters[subscription.session.number, subscription.written] = {
            "qos": subscription.qos,
            "no_local": subscription.no_local,
            "retain_as_published": subscription.retain_as_published,
            "retain_handling": subscription.retain_handling,
            "identifier": subscription.identifier,
        }
        self._note()

    def unsubscribe(self, subscription: Subscription) -> None:
        """A subscription of a kept session is over."""
        self.changes.filters[subscription.session.number, subscription.written] = None
        self._note()

    def receive(self, session: Session, packet_id: int) -> None:
        """A QoS 2 message of a kept session's client is here."""
        self.changes.received[session.number, packet_id] = True
        self._note()

    def release(self, session: Session, packet_id: int) -> None:
        """Its client will not send that message again."""
        self.changes.received[session.number, packet_id] = False
        self._note()

    def keep(self, session: Session, delivery: Delivery) -> Delivery:
        """A QoS 1 or 2 message is due to a kept session; returns the delivery to be used from now on."""
        message = delivery.message
        self._last += 1
        entry = self._messages.get(message.number)
        if entry is None:
            self._messages[message.number] = entry = [self._last, 0]
            self.changes.messages[self._last] = message
            self._last += 1
        entry[1] += 1
        kept = Delivery(message, delivery.qos, delivery.retain, delivery.identifiers, delivery.share, self._last)
        self._write(session, kept, None, False)
        return kept

    def send(self, session: Session, delivery: Delivery, packet_id: int, released: bool = False) -> None:
        """The delivery has got its packet identifier; `released` when PUBREC has come."""
        if delivery.place:
            self._write(session, delivery, packet_id, released)

    def _write(self, session: Session, delivery: Delivery, packet_id: int | None, released: bool) -> None:
        group, inner_filter = delivery.share or (None, None)
        self.changes.deliveries[delivery.place] = {
            "session_id": session.number,
            "message_id": self._messages[delivery.message.number][0],
            "qos": delivery.qos,
            "retain": delivery.retain,
            "identifiers": ",".join(map(str, delivery.identifiers)) if delivery.identifiers else "",
            "share_group": group,
            "share_filter": inner_filter,
            "packet_id": packet_id,
            "released": released,
        }
        self._note()

    def drop(self, delivery: Delivery) -> None:
        """The delivery is over: acknowledged, expired, too large or too many."""
        place, number = delivery.place, delivery.message.number
        if not place:
            return
        self.changes.deliveries.pop(place, None)
        if place <= self._taken:
            self.changes.deliveries[place] = None
        entry = self._messages[number]
        entry[1] -= 1
        if not entry[1]:
            del self._messages[number]
            self.changes.messages.pop(entry[0], None)
            if entry[0] <= self._taken:
                self.changes.messages[entry[0]] = None
        self._note()

    # --- after a start ------------------------------------------------------------------------------------------------

    def resume(self, kept: Kept, sessions: Iterable[Session], now: float) -> None:
        """Goes on where the last run ended: with its sessions, all of them without a connection."""
        self._last = self._taken = kept.last
        self._messages = kept.messages
        self.changes.messages.update(dict.fromkeys(kept.idle))
        for session in sessions:
            session.ledger = self if session.expiry_interval else None
            if session.disconnected_at is None:
                # Its client was connected when the last run ended, without a farewell.
                session.disconnected_at = now
                session.expires_at = session.next_expiry(now)
                session.will_at = None if session.will is None else now + session.will_delay
                self.touch(session)


def microseconds(seconds: float | None) -> int | None:
    """A time of the broker's clock as it is kept; None for never, which in a message is 0."""
    return round(seconds * _MICROSECONDS) if seconds else None


def _messages(changes: Changes) -> int:
    """How many messages are to be written."""
    return sum(message is not None for message in changes.messages.values())


def _session_row(session: Session) -> Row:
    return {
        "client_id": session.client_id,
        "account_id": session.identity.account_id,
        "account_name": session.identity.name,
        "clean_start": session.clean_start,
        "expiry_interval": session.expiry_interval,
        "created_at": microseconds(session.created_at),
        "connected_at": microseconds(session.connected_at),
        "disconnected_at": microseconds(session.disconnected_at),
        "expires_at": microseconds(session.expires_at),
    }


def _client_row(session: Session) -> Row | None:
    client, identity = session.client, session.identity
    owed = [each.topic_filter for each in session.backlog] if session.ledger is not None else []
    if session.will is None and not identity.realm and identity.token_id is None and not owed:
        return None
    document = {name: getattr(client, name) for name in KEPT_OF_CLIENT}
    whose = {"token_id": identity.token_id, "realm": identity.realm, "user_id": identity.user_id}
    return {"document": json.encode({**document, **whose, "owed": owed}).decode()}


def _will_row(session: Session) -> Row | None:
    will = session.will
    # Rules that came with a credential are not kept, and without them nobody could judge the will.
    if will is None or session.client.rules is not None:
        return None
    return {
        "topic": will.topic,
        "payload": will.payload,
        "qos": will.qos,
        "retain": will.retain,
        "fields": will.fields,
        "expiry": round(will.expires_at),
        "delay": session.will_delay,
        "due_at": microseconds(session.will_at),
    }

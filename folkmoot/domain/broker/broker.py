"""The broker: one owner of sessions, subscriptions, routes and retained messages.

Theory. Everything lives in memory and is touched by one task, so there are no locks and nothing here waits. Time comes in
as `now`, seconds since 1970 on a clock that never jumps. The broker sends nothing: it appends bytes to `Link.out` and lists
the links that have output in `dirty` (calling `wake` unless `is_awake`); the stream writes them once per turn
of its loop, sets `Link.room`, and calls `pump`.

The hot path is `Link.feed` → `Routes.forward` (runs of QoS 0 messages, as bytes) or `Routes.deliver` (one message to all).
It may look up a route, append to output and count; it may not match filters, ask the gate, or build values per receiver
that could be built once. What makes that possible is the route cache: topic → receivers, already checked against the gate.
Whoever changes what a route depends on must forget it: subscriptions and links coming and going do (`Routes.forget`), and when
permissions change the caller does (`forget_routes`).

Durability: what must survive a kill is noted in the `ledger`, and what must not run ahead of it is held on its link.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Reason

from . import greeting
from .ledger import Ledger
from .links import Link, Post
from .model import FOREVER, Gate, Identity, Kept, Limits, Message, OpenGate, Refused
from .retained import Retained
from .routes import Routes
from .sessions import Session, Subscription
from .topics import is_filter, split_shared


class Broker:
    """See above; for `durable` see the ledger."""

    def __init__(self, gate: Gate | None = None, limits: Limits | None = None, durable: bool = False) -> None:
        self.gate: Gate = gate or OpenGate()
        self.limits = limits or Limits()
        self.wake: Callable[[], None] = _nothing
        self.is_awake = False
        """Somebody is about to write all output; `wake` need not be called. Set by the stream."""
        self.sessions: dict[str, Session] = {}
        self.offline: dict[str, Session] = {}
        self.links: set[Link] = set()
        self.retained = Retained()
        self.dirty: list[Link] = []
        self.posts: list[tuple[Identity, Message]] = []
        """Wills on topics the community takes; the stream hands them over."""

        self.ledger = Ledger(self, durable)
        self.count: Counter[str] = Counter()
        self.routes = Routes(self.gate, self.count, self.limits.max_packet_size)
        self.received, self.sent = [0, 0, 0], [0, 0, 0]
        """Messages by QoS of links that are gone; the living count their own."""
        self.past_received_bytes = self.past_sent_bytes = 0
        self._retained_checked_at = 0.0

    @property
    def received_bytes(self) -> int:
        """Bytes received since the start."""
        return self.past_received_bytes + sum(link.received_bytes for link in self.links)

    @property
    def sent_bytes(self) -> int:
        """Bytes sent since the start."""
        return self.past_sent_bytes + sum(link.sent_bytes for link in self.links)

    def forget_routes(self) -> None:
        """Permissions have changed: the gate is asked again for everything."""
        self.routes.forget_all()
        for link in self.links:
            link.granted.clear()

    def may_publish(self, identity: Identity, topic: str) -> bool:
        """Asks the gate and counts the answer."""
        allowed = self.gate.may_publish(identity, topic)
        self.count["authorization.allow" if allowed else "authorization.deny"] += 1
        return allowed

    def publish(self, message: Message, now: float) -> int:
        """Publishes a message of our own: keeps it if retained, routes it, returns the number of receivers.

        For what the community takes see `Gate.takes`; that is the caller's to ask.
        """
        self.count["messages.publish"] += 1
        if message.retain:
            self.retain(message)
        return self.route_message(message, None, now)

    def route_message(self, message: Message, source: Session | None, now: float) -> int:
        """Sends a message to everybody subscribed; returns to how many."""
        return self.routes.deliver(self.routes.route(message.topic), message, source, now)

    def retain(self, message: Message) -> None:
        """Keeps or, with an empty payload, removes the retained message."""
        if message.payload:
            self.retained.keep(message)
            self.ledger.retain(message.topic, message)
        elif self.retained.drop(message.topic):
            # [MQTT-3.3.1-6]
            self.ledger.retain(message.topic, None)

    def resume(self, kept: Kept, sessions: list[Session], now: float) -> None:
        """Goes on with the sessions the last run kept; before anybody connects."""
        for session in sessions:
            self.sessions[session.client_id] = self.offline[session.client_id] = session
            for subscription in session.subscriptions.values():
                self.routes.table.add(subscription.topic_filter, subscription)
        self.ledger.resume(kept, sessions, now)

    def post(self, message: Message, packet: mqtt.Publish) -> Post:
        """What the stream hands to the community instead of routing it."""
        return Post(message, packet.packet_id, packet.properties)

    def open(self, now: float, address: str = "", port: int = 0, listener: str = "tcp:default") -> Link:
        """A socket was opened."""
        link = Link(self, now, address, port, listener)
        self.links.add(link)
        return link

    def connect(self, link: Link, packet: mqtt.Connect, identity: Identity, now: float) -> None:
        """The client is known and may come in: opens or resumes its session and answers CONNACK."""
        assigned = "" if packet.client_id else greeting.new_client_id()
        link.client_id = packet.client_id or assigned
        link.identity = identity
        link.connected_at = now
        old = self.sessions.get(link.client_id)
        if old is not None:
            # Nobody resumes what belongs to another account.
            fresh = packet.clean_start or old.identity.account_id != identity.account_id
            self._take_over(old, fresh, now)
            if fresh:
                self.end_session(old, now, "session.discarded")
                old = None
        session = old
        if session is None:
            session = Session(link.client_id, identity, self.limits, now)
            self.sessions[link.client_id] = session
            self.count["session.created"] += 1
        else:
            self.count["session.resumed"] += 1
        self.offline.pop(session.client_id, None)
        greeting.enter(session, link, packet, now)
        self.ledger.follow(session)
        self.count["packets.connack.sent"] += 1
        self.count["client.connected"] += 1
        link.emit(mqtt.encode(greeting.connack(link, old is not None, assigned), link.version))
        self._forget_session(session)
        session.resume(now)
        session.pump_retained(self.find_retained, now)

    def _take_over(self, session: Session, fresh: bool, now: float) -> None:
        link = session.link
        if link is None:
            return
        # [MQTT-3.1.4-3]; the old connection's will, contract §3.3
        will, delay, session.will = session.will, session.will_delay, None
        self.count["session.takenover"] += 1
        interval, session.expiry_interval = session.expiry_interval, FOREVER
        link.end(Reason.SESSION_TAKEN_OVER, now)
        session.expiry_interval = interval
        if will is not None and (fresh or not delay):
            session.will = will
            self._publish_will(session, now)

    def lost(self, link: Link, now: float) -> None:
        """The connection is over, whoever ended it; its session goes on, or ends, and its will is due."""
        if link.ended:
            return
        link.ended = True
        if isinstance(link.waiting, mqtt.Connect):
            link.waiting = None
        link.again_size = -1
        self.links.discard(link)
        self.ledger.holding.discard(link)
        for qos in range(3):
            self.received[qos] += link.received[qos]
            self.sent[qos] += link.sent[qos]
        self.past_received_bytes += link.received_bytes
        self.past_sent_bytes += link.sent_bytes
        self.count["packets.puback.received"] += link.received_acks
        self.count["messages.acked"] += link.received_acks
        self.count["packets.puback.missed"] += link.missed_acks
        self.count["packets.puback.sent"] += link.sent_acks
        self.count["delivery.dropped"] += link.dropped_slow
        if not link.dirty:
            link.mark()
        session = link.session
        if session is None or session.link is not link:
            return
        self.count["client.disconnected"] += 1
        session.link = None
        session.disconnected_at = now
        self._forget_session(session)
        if not session.expiry_interval:
            self.end_session(session, now, "session.terminated")
            return
        session.expires_at = session.next_expiry(now)
        self.offline[session.client_id] = session
        self.ledger.touch(session)
        if session.will is not None:
            session.will_at = now + session.will_delay
            if not session.will_delay:
                self._publish_will(session, now)

    def end_session(self, session: Session, now: float, reason: str = "session.terminated") -> None:
        """Forgets a session; a will that is still due is published, shared work goes to the other members."""
        self.count[reason] += 1
        if session.link is not None:
            session.link.end(Reason.ADMINISTRATIVE_ACTION, now)
        self.sessions.pop(session.client_id, None)
        self.offline.pop(session.client_id, None)
        for subscription in list(session.subscriptions.values()):
            self._remove(subscription)
        for delivery in session.unsent():
            self.routes.deliver_again(delivery, now)
        if session.ledger is not None:
            self.ledger.end(session)
        self.count["delivery.dropped.queue_full"] += session.dropped_full
        self.count["delivery.dropped.expired"] += session.dropped_expired
        self.count["delivery.dropped.too_large"] += session.dropped_too_large
        self._publish_will(session, now)

    def _publish_will(self, session: Session, now: float) -> None:
        will, session.will, session.will_at = session.will, None, None
        self.ledger.touch(session)
        if will is None or not self.may_publish(session.identity, will.topic):
            return
        will.published_at = now
        will.expires_at = now + will.expires_at if will.expires_at else 0.0
        if self.gate.takes(will.topic):
            self.posts.append((session.identity, will))
            if not self.is_awake:
                self.wake()
            return
        self.publish(will, now)

    def _forget_session(self, session: Session) -> None:
        for subscription in session.subscriptions.values():
            self.routes.forget(subscription)

    def subscribe(self, session: Session, entry: mqtt.Filter, identifier: int, now: float, checked: bool = True) -> int:
        """Subscribes a session and returns the SUBACK code; `checked` False leaves the gate out (management).

        Raises Refused when the filter must end the connection. The caller then pumps the retained messages.
        """
        self.count["client.subscribe"] += 1
        topic_filter = entry.topic_filter
        try:
            group, inner = split_shared(topic_filter)
        except ValueError as error:
            raise Refused(Reason.TOPIC_FILTER_INVALID) from error
        if not is_filter(inner):
            raise Refused(Reason.TOPIC_FILTER_INVALID)
        if group is not None and entry.no_local:
            # [MQTT-3.8.3-4]
            raise Refused(Reason.PROTOCOL_ERROR)
        if inner.count("/") >= self.limits.max_topic_levels or topic_filter.startswith("$exclusive/"):
            return Reason.TOPIC_FILTER_INVALID
        if checked and not self.gate.may_subscribe(session.identity, inner):
            self.count["packets.subscribe.auth_error"] += 1
            return Reason.NOT_AUTHORIZED
        known = session.subscriptions.get(topic_filter)
        most = self.limits.max_subscriptions
        if known is None and most is not None and len(session.subscriptions) >= most:
            return Reason.QUOTA_EXCEEDED
        subscription = known or Subscription(session, topic_filter, group, inner)
        subscription.qos = entry.qos
        subscription.no_local = entry.no_local
        subscription.retain_as_published = entry.retain_as_published
        subscription.retain_handling = entry.retain_handling
        subscription.identifier = identifier
        if known is None:
            session.subscriptions[topic_filter] = subscription
            self.routes.table.add(topic_filter, subscription)
        self.routes.forget(subscription)
        if session.ledger is not None:
            self.ledger.subscribe(subscription)
        self._owe_retained(subscription, known is None)
        return entry.qos

    def _owe_retained(self, subscription: Subscription, new: bool) -> None:
        # [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11]; contract §3.5: never for shared ones
        handling = subscription.retain_handling
        if subscription.group is not None or handling == 2 or (handling == 1 and not new):
            return
        topics = self.retained.match(subscription.inner_filter)
        if topics:
            subscription.session.owe(subscription, topics)

    def find_retained(self, session: Session, topic: str, now: float) -> Message | None:
        """The retained message of a topic for a session, if there is one that may reach it."""
        message = self.retained.find(topic, now)
        return message if message is not None and self.gate.may_receive(session.identity, topic) else None

    def unsubscribe(self, session: Session, topic_filter: str) -> bool:
        """Ends a subscription; False when there was none. Raises Refused for what is no filter."""
        self.count["client.unsubscribe"] += 1
        subscription = session.subscriptions.get(topic_filter)
        if subscription is None:
            try:
                legal = is_filter(split_shared(topic_filter)[1])
            except ValueError:
                legal = False
            if not legal:
                raise Refused(Reason.TOPIC_FILTER_INVALID)
            return False
        self._remove(subscription)
        return True

    def _remove(self, subscription: Subscription) -> None:
        if subscription.session.ledger is not None:
            self.ledger.unsubscribe(subscription)
        del subscription.session.subscriptions[subscription.topic_filter]
        self.routes.table.remove(subscription.topic_filter, subscription)
        self.routes.forget(subscription)

    def pump(self, link: Link, now: float) -> None:
        """The link has room again: sends what waits for it."""
        session = link.session
        if session is not None and session.link is link:
            if session.queue:
                session.pump(now)
            if session.backlog:
                session.pump_retained(self.find_retained, now)

    def tick(self, now: float) -> None:
        """Once a second: ends what has timed out, publishes wills that are due."""
        limits = self.limits
        for link in list(self.links):
            silent = now - link.seen_at
            if link.session is None:
                if now - link.connected_at > limits.idle_timeout:
                    # [MQTT-3.1.4-1] and contract §3.2, idle_timeout
                    self.lost(link, now)
            elif link.keepalive and silent > link.keepalive * limits.keepalive_multiplier:
                # [MQTT-3.1.2-22]
                link.end(Reason.KEEP_ALIVE_TIMEOUT, now)
        for session in list(self.offline.values()):
            if session.expires_at is not None and session.expires_at <= now:
                self.end_session(session, now)
            elif session.will_at is not None and session.will_at <= now:
                self._publish_will(session, now)
        if now - self._retained_checked_at >= 60:
            self._retained_checked_at = now
            for topic in self.retained.expire(now):
                self.ledger.retain(topic, None)
            for session in self.offline.values():
                session.expire(now)

    def kick(self, client_id: str, now: float) -> bool:
        """Ends a client's connection and session, publishing its will; False when nobody has that identifier."""
        session = self.sessions.get(client_id)
        if session is None:
            return False
        self.end_session(session, now)
        return True

    def end_sessions(self, account_id: int, now: float, token_id: int | None = None) -> int:
        """Ends everything of an account, or of one of its tokens, at once, without wills: it may not speak any more.

        Returns how many sessions there were.
        """
        ended = 0
        for session in list(self.sessions.values()):
            identity = session.identity
            if identity.account_id == account_id and token_id in (None, identity.token_id):
                session.will = None
                self.end_session(session, now)
                ended += 1
        return ended

    def stop(self, now: float) -> None:
        """Ends all connections because the server stops; sessions stay."""
        for link in list(self.links):
            link.end(Reason.SHUTTING_DOWN if link.session is not None else None, now)


def _nothing() -> None:
    pass

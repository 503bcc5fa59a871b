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

import math
from collections import Counter
from collections.abc import Callable

from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Reason

from . import pipeline, retaining, subscribing
from .agenda import Agenda
from .automatic import Automatic
from .delayed import Delayed
from .happenings import Happenings
from .ledger import Ledger
from .links import Link
from .model import (
    Client,
    Gate,
    Identity,
    Kept,
    Message,
    OpenGate,
    Opening,
    Post,
    Receipt,
    Verdict,
    Wish,
)
from .options import Limits, Options
from .quota import Quota
from .retained import Retained
from .rewriting import Rewriting
from .routes import Routes
from .sessions import Session, Subscription
from .topic_metrics import TopicMetrics
from .topics import is_reserved
from .upkeep import Upkeep


class Broker:
    """See above; for `durable` see the ledger."""

    def __init__(self, gate: Gate | None = None, limits: Limits | None = None, durable: bool = False) -> None:
        self.gate: Gate = gate or OpenGate()
        self.options = Options(limits or Limits())
        self.limits = self.options.mqtt
        self.wake: Callable[[], None] = _nothing
        self.is_awake = False
        """Somebody is about to write all output; `wake` need not be called. Set by the stream."""
        self.sessions: dict[str, Session] = {}
        self.offline: dict[str, Session] = {}
        self.exclusive: dict[str, Subscription] = {}
        """Filters that one session has for itself."""
        self.links: set[Link] = set()
        self.retained = Retained()
        self.dirty: list[Link] = []
        self.posts: list[tuple[Identity, Message]] = []
        """Wills on topics the community takes; the stream hands them over."""
        self.wills: list[tuple[Client, Message]] = []
        """Wills somebody outside has to judge; the stream asks and then calls `publish_will`."""
        self.is_banned: Callable[[str, str | None], bool] = _nobody
        """Whether a client, by its identifier and name, may not speak any more."""

        self.quota = Quota(self.options.limiter)
        """What everybody together may publish."""
        self.ledger = Ledger(self, durable)
        self.count: Counter[str] = Counter()
        self.happenings = Happenings()
        self.routes = Routes(self.gate, self.count, self.happenings, self.options)
        self.received, self.sent = [0, 0, 0], [0, 0, 0]
        """Messages by QoS of links that are gone; the living count their own."""
        self.past_received_bytes = self.past_sent_bytes = 0
        self._upkeep = Upkeep()
        self.agenda = Agenda()
        self.delayed = Delayed(self)
        self.rewriting = Rewriting()
        self.happenings.watchers.append(self.rewriting.concerns)
        self.automatic = Automatic(self)
        self.topic_metrics = TopicMetrics(self)
        self._clearing = retaining.Clearing(self)

    @property
    def received_bytes(self) -> int:
        """Bytes received since the start."""
        return self.past_received_bytes + sum(link.received_bytes for link in self.links)

    @property
    def sent_bytes(self) -> int:
        """Bytes sent since the start."""
        return self.past_sent_bytes + sum(link.sent_bytes for link in self.links)

    def forget_routes(self) -> None:
        """Permissions or options have changed: the gate is asked again for everything."""
        self.routes.forget_all()
        for link in self.links:
            link.granted.clear()
            if link.session is not None and link.session.queue:
                link.session.withdraw(self.gate.may_receive, link.seen_at)

    def judge(self, client: Client, wish: Wish, now: float) -> Verdict:
        """Asks the gate, and counts the answer if it is one."""
        verdict = self.gate.judge(client, wish)
        if verdict is not Verdict.ASK:
            self.count_verdict(verdict)
        return verdict

    def count_verdict(self, verdict: Verdict) -> None:
        """Counts a verdict somebody outside has found."""
        self.count["authorization.deny" if verdict is Verdict.DENY else "authorization.allow"] += 1

    def publish(self, message: Message, now: float, source: Session | None = None, client: Client | None = None) -> int:
        """Publishes a message that may be published: keeps it if retained, routes it, returns the number of receivers.

        `source` is the session it came in on, `client` who sent it if that is not the session's client. For what the community
        takes see `Gate.takes`; that is the caller's to ask.
        """
        if source is None:
            self.count["messages.publish"] += 1
        return pipeline.publish(self, message, now, source, client)

    def route_message(self, message: Message, source: Session | None, now: float) -> int:
        """Sends a message to everybody subscribed; returns to how many."""
        return self.routes.deliver(self.routes.route(message.topic), message, source, now)

    def resume(self, kept: Kept, sessions: list[Session], now: float) -> None:
        """Goes on with the sessions the last run kept; before anybody connects."""
        for session in sessions:
            self.sessions[session.client_id] = self.offline[session.client_id] = session
            self.routes.subscribers += bool(session.subscriptions)
            session.happenings, session.delivered = self.happenings, self.happenings.delivered
            for subscription in session.subscriptions.values():
                self.routes.table.add(subscription.topic_filter, subscription)
                if subscription.is_exclusive:
                    self.exclusive[subscription.inner_filter] = subscription
            for topic_filter in kept.owed.get(session.number, ()):
                if topic_filter in session.subscriptions:
                    retaining.owe(self, session.subscriptions[topic_filter], True, now)
        self.ledger.resume(kept, sessions, now)

    def post(self, message: Message, packet: mqtt.Publish) -> Post:
        """What the stream hands to the community instead of routing it."""
        receipt = Receipt(message.from_client, packet.packet_id, packet.dup) if packet.qos == 2 else None
        return Post(message, packet.packet_id, packet.properties, receipt)

    def open(self, now: float, address: str = "", port: int = 0, listener: str = "tcp:default") -> Link:
        """A socket was opened."""
        link = Link(self, now, Client(address=address, port=port, listener=listener))
        self.links.add(link)
        return link

    def lost(self, link: Link, now: float, why: str = "tcp_closed") -> None:
        """The connection is over, whoever ended it; its session goes on, or ends, and its will is due.

        `why` is one of the words of contract §2.13.
        """
        if link.ended:
            return
        link.ended = True
        if isinstance(link.waiting, mqtt.Connect | mqtt.Auth | Opening):
            link.waiting = None
        link.again_size = -1
        self.links.discard(link)
        self.ledger.holding.discard(link)
        for qos in range(3):
            self.received[qos] += link.received[qos]
            self.sent[qos] += link.sent[qos]
        self.past_received_bytes += link.received_bytes
        self.past_sent_bytes += link.sent_bytes
        self.count["packets.puback.received"] += link.received_acks + link.missed_acks
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
        self.happenings.tell(self.happenings.disconnected, session, link, why, now)
        self.forget_session(session)
        if self.sessions.get(session.client_id) is not session:
            # It is just being ended.
            return
        if not session.expiry_interval:
            self.end_session(session, now, "session.terminated")
            return
        session.expires_at = session.next_expiry(now)
        self.offline[session.client_id] = session
        self.ledger.touch(session)
        if session.will is not None:
            session.will_at = now + session.will_delay
            if not session.will_delay:
                self.publish_due_will(session, now)

    def end_session(
        self, session: Session, now: float, reason: str = "session.terminated", passes_on: bool = True
    ) -> None:
        """Forgets a session; a will that is still due is published, shared work goes to the other members, if it is passed on."""
        self.sessions.pop(session.client_id, None)
        self.offline.pop(session.client_id, None)
        if session.link is not None:
            session.link.end(Reason.ADMINISTRATIVE_ACTION, now)
        self.count[reason] += 1
        self.happenings.tell(self.happenings.ended, session, reason.removeprefix("session."), now)
        for subscription in list(session.subscriptions.values()):
            subscribing.remove(self, subscription)
        for delivery in session.unsent() if passes_on else ():
            self.routes.deliver_again(delivery, now)
        if session.number:
            self.ledger.end(session)
        self.count["delivery.dropped.queue_full"] += session.dropped_full
        self.count["delivery.dropped.expired"] += session.dropped_expired
        self.count["delivery.dropped.too_large"] += session.dropped_too_large
        self.count["delivery.dropped.qos0_msg"] += session.dropped_qos0
        self.publish_due_will(session, now)

    def publish_due_will(self, session: Session, now: float) -> None:
        """Publishes a session's will, if there is one and it may."""
        will, session.will, session.will_at = session.will, None, None
        self.ledger.touch(session)
        if will is None or self.is_banned(session.client_id, session.client.username):
            return
        will.published_at = now
        will.expires_at = now + will.expires_at if will.expires_at else 0.0
        # contract §2.12: judged only now
        topic = self.delayed.target(will.topic, now)
        verdict = self.judge(session.client, Wish("publish", topic, will.qos, will.retain), now)
        if verdict is Verdict.ASK:
            self.wills.append((session.client, will))
            if not self.is_awake:
                self.wake()
        elif verdict is not Verdict.DENY:
            self.publish_will(session.client, will, now)

    def publish_will(self, client: Client, will: Message, now: float) -> None:
        """Publishes a will that may be published."""
        if client.mountpoint:
            will.topic = self.delayed.mount(will.topic, client.mountpoint)
            if is_reserved(will.topic) and not self.gate.takes(will.topic):
                return
        if not self.gate.takes(will.topic):
            self.publish(will, now, client=client)
        else:
            self.hand_over(client.identity, will)

    def hand_over(self, identity: Identity, message: Message) -> None:
        """Gives a message on a topic the community takes to the stream, who gives it to the community."""
        self.posts.append((identity, message))
        if not self.is_awake:
            self.wake()

    def forget_session(self, session: Session) -> None:
        """A session, or the link behind it, has come or gone."""
        for subscription in session.subscriptions.values():
            self.routes.forget(subscription)

    def subscribe(self, session: Session, entry: mqtt.Filter, now: float, identifier: int = 0) -> int:
        """Subscribes a session without asking whether it may, and returns the SUBACK code; then call `pay`.

        Raises Refused when the filter is none.
        """
        return subscribing.add(self, session, entry, identifier, now, Verdict.ALLOW)

    def pay(self, session: Session, now: float) -> None:
        """Sends the retained messages that subscriptions of the session have still to get."""
        retaining.pay(self, session, now)

    def find_subscription(self, session: Session, topic_filter: str) -> Subscription | None:
        """The subscription to a filter as the client writes it. Raises Refused for what is no filter."""
        return subscribing.find(self, session, topic_filter)

    def unsubscribe(self, session: Session, topic_filter: str, now: float) -> bool:
        """Ends a subscription; False when there was none. Raises Refused for what is no filter."""
        return subscribing.end(self, session, topic_filter, now)

    def pump(self, link: Link, now: float) -> None:
        """The link has room again: sends what waits for it."""
        session = link.session
        if session is not None and session.link is link:
            if session.queue:
                session.pump(now)
            if session.backlog:
                retaining.pay(self, session, now)

    def tick(self, now: float) -> None:
        """Once a second: ends what has timed out, publishes wills that are due."""
        self._upkeep.tick(self, now)
        self._clearing.tick(now)
        self.agenda.run(now)

    def kick(self, client_id: str, now: float) -> bool:
        """Ends a client's connection and session, publishing its will; False when nobody has that identifier."""
        session = self.sessions.get(client_id)
        if session is None:
            return False
        # contract §3.5: what it was to do is not passed on
        self.end_session(session, now, passes_on=False)
        return True

    def end_sessions(
        self, account_id: int, now: float, token_id: int | None = None, *, before: float = math.inf
    ) -> int:
        """Ends everything of an account, or of one of its tokens, at once, without wills: it may not speak any more.

        What has connected since `before` stays. Returns how many sessions there were.
        """

        def concerns(who: Identity) -> bool:
            return who.account_id == account_id and token_id in (None, who.token_id)

        return self._end_all(concerns, now, before)

    def end_users(self, realm: str, now: float, user_id: str | None = None) -> int:
        """Ends everything of those an authenticator knows, or of one of them, as `end_sessions` does."""
        return self._end_all(lambda who: who.realm == realm and user_id in (None, who.user_id), now)

    def _end_all(self, concerns: Callable[[Identity], bool], now: float, before: float = math.inf) -> int:
        found = [each for each in self.sessions.values() if concerns(each.identity) and each.connected_at < before]
        for session in found:
            session.will = None
            self.end_session(session, now)
        return len(found)

    def stop(self, now: float) -> None:
        """Ends all connections because the server stops; sessions stay."""
        for link in list(self.links):
            link.end(Reason.SHUTTING_DOWN if link.session is not None else None, now)


def _nothing() -> None:
    pass


def _nobody(client_id: str, name: str | None) -> bool:
    return False

"""The broker's counters and gauges by the names of contract §2.9.

Most is counted where it happens, in `Broker.count` or on the link; what follows from other numbers is computed here.
"""

from __future__ import annotations

from folkmoot.domain.broker import Broker, Session, Subscription

from .model import Counts

_METRICS = """
bytes.received bytes.sent packets.received packets.sent packets.connect.received packets.connack.sent
packets.connack.error packets.connack.auth_error packets.publish.received packets.publish.sent
packets.publish.inuse packets.publish.error packets.publish.auth_error packets.publish.dropped
packets.puback.received packets.puback.sent packets.puback.inuse packets.puback.missed packets.pubrec.received
packets.pubrec.sent packets.pubrec.inuse packets.pubrec.missed packets.pubrel.received packets.pubrel.sent
packets.pubrel.missed packets.pubcomp.received packets.pubcomp.sent packets.pubcomp.inuse
packets.pubcomp.missed packets.subscribe.received packets.subscribe.error packets.subscribe.auth_error
packets.suback.sent packets.unsubscribe.received packets.unsubscribe.error packets.unsuback.sent
packets.pingreq.received packets.pingresp.sent packets.disconnect.received packets.disconnect.sent
packets.auth.received packets.auth.sent messages.received messages.sent messages.publish messages.dropped
messages.forward messages.delayed messages.delivered messages.acked messages.persisted messages.qos0.received
messages.qos0.sent messages.qos1.received messages.qos1.sent messages.qos2.received messages.qos2.sent
messages.dropped.await_pubrel_timeout messages.dropped.no_subscribers messages.validation_succeeded
messages.validation_failed messages.transformation_succeeded messages.transformation_failed delivery.dropped
delivery.dropped.no_local delivery.dropped.too_large delivery.dropped.qos0_msg delivery.dropped.queue_full
delivery.dropped.expired client.connect client.connack client.connected client.authenticate
client.auth.anonymous client.authorize client.subscribe client.unsubscribe client.disconnected session.created
session.resumed session.takenover session.discarded session.terminated authorization.allow authorization.deny
authorization.cache_hit authorization.cache_miss authorization.superuser authorization.nomatch
authorization.matched.allow authorization.matched.deny authentication.success authentication.success.anonymous
authentication.failure overload_protection.delay.ok overload_protection.delay.timeout
overload_protection.hibernation overload_protection.gc overload_protection.new_conn
"""

#: Every counter, in the order of its document.
METRICS = tuple(_METRICS.split())

#: Every gauge; each has a value and a highest value.
STATS = (
    *("channels", "connections", "live_connections", "sessions", "cluster_sessions", "topics", "suboptions"),
    *("subscribers", "subscriptions", "subscriptions.shared", "retained", "delayed"),
)

#: What is published but goes no further.
_NOT_ROUTED = ("packets.publish.auth_error", "packets.publish.dropped", "packets.publish.inuse")


def count_all(broker: Broker) -> dict[str, int]:
    """All counters since the start; what is counted on living connections and sessions is added here."""
    found = dict.fromkeys(METRICS, 0)
    found.update({name: value for name, value in broker.count.items() if name in found})
    received, sent, slow = _add_links(broker, found)
    _add_sessions(broker, found)
    # The older name of what finds no room in a socket's buffer.
    found["delivery.dropped.qos0_msg"] += broker.count["delivery.dropped"] + slow
    found["delivery.dropped"] = sum(value for name, value in found.items() if name.startswith("delivery.dropped."))
    found["bytes.received"], found["bytes.sent"] = broker.received_bytes, broker.sent_bytes
    found["messages.received"], found["messages.sent"] = sum(received), sum(sent)
    found["packets.publish.received"], found["packets.publish.sent"] = sum(received), sum(sent)
    found["messages.delivered"] = sum(sent)
    for qos in range(3):
        found[f"messages.qos{qos}.received"], found[f"messages.qos{qos}.sent"] = received[qos], sent[qos]
    for way in ("received", "sent"):
        found[f"packets.{way}"] = sum(
            value for name, value in found.items() if name.startswith("packets.") and name.endswith(f".{way}")
        )
    # Clients' messages are not counted on their way in; those of our own are.
    found["messages.publish"] += max(0, sum(received) - sum(found[name] for name in _NOT_ROUTED))
    found["messages.dropped"] += sum(value for name, value in found.items() if name.startswith("messages.dropped."))
    found["client.connack"] = found["packets.connack.sent"]
    found["client.authorize"] = found["authorization.allow"] + found["authorization.deny"]
    return found


def _add_links(broker: Broker, found: dict[str, int]) -> tuple[list[int], list[int], int]:
    """Messages by QoS in and out, and QoS 0 messages dropped, of links that are gone and of those that live."""
    received, sent, slow = list(broker.received), list(broker.sent), 0
    acks = missed = acked = 0
    for link in broker.links:
        for qos in range(3):
            received[qos] += link.received[qos]
            sent[qos] += link.sent[qos]
        acks += link.received_acks
        missed += link.missed_acks
        acked += link.sent_acks
        slow += link.dropped_slow
    found["packets.puback.received"] += acks + missed
    found["packets.puback.missed"] += missed
    found["packets.puback.sent"] += acked
    found["messages.acked"] += acks
    return received, sent, slow


def _add_sessions(broker: Broker, found: dict[str, int]) -> None:
    for session in broker.sessions.values():
        found["delivery.dropped.queue_full"] += session.dropped_full
        found["delivery.dropped.expired"] += session.dropped_expired
        found["delivery.dropped.too_large"] += session.dropped_too_large
        found["delivery.dropped.qos0_msg"] += session.dropped_qos0


def counts(broker: Broker) -> Counts:
    """The few counters that samples are made of."""
    received = sum(broker.received) + sum([sum(link.received) for link in broker.links])
    sent = sum(broker.sent) + sum([sum(link.sent) for link in broker.links])
    count = broker.count
    dropped = sum(value for name, value in count.items() if name.startswith("messages.dropped"))
    return Counts(received, sent, dropped, count["messages.persisted"])


class Gauges:
    """How many there are of everything now, and how many there were at most since the start.

    The highest values are exact for what clients and subscriptions do: it is looked whenever one has come. Retained and delayed
    messages are looked at with every tick and whenever somebody asks.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.highest = dict.fromkeys(STATS, 0)
        broker.happenings.connected.append(self._came)
        broker.happenings.subscribed.append(self._subscribed)
        self.look()

    def look(self) -> dict[str, int]:
        """The gauges by the names of `STATS`."""
        broker = self._broker
        found = self._look_at_sessions() | self._look_at_subscriptions()
        found |= {"retained": len(broker.retained), "delayed": len(broker.delayed.messages)}
        self._note(found)
        return found

    def _look_at_sessions(self) -> dict[str, int]:
        sessions = len(self._broker.sessions)
        live = sessions - len(self._broker.offline)
        return {
            "channels": live,
            "connections": sessions,
            "live_connections": live,
            "sessions": sessions,
            "cluster_sessions": sessions,
        }

    def _look_at_subscriptions(self) -> dict[str, int]:
        routes = self._broker.routes
        table = routes.table
        return {
            "topics": len(table.filters),
            "suboptions": table.count,
            "subscribers": routes.subscribers,
            "subscriptions": table.count,
            "subscriptions.shared": table.shared,
        }

    def _note(self, found: dict[str, int]) -> None:
        highest = self.highest
        for name, value in found.items():
            if value > highest[name]:
                highest[name] = value

    def _came(self, session: Session, now: float) -> None:
        self._note(self._look_at_sessions())

    def _subscribed(self, subscription: Subscription, now: float) -> None:
        self._note(self._look_at_subscriptions())

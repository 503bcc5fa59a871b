"""How a client that is known comes into a session: into the one it had, or a new one in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Reason

from . import greeting, retaining
from .model import FOREVER, Opening, Refused
from .sessions import Session
from .upkeep import check_offline

if TYPE_CHECKING:
    from .broker import Broker
    from .links import Link


def connect(broker: Broker, link: Link, packet: mqtt.Connect, now: float) -> None:
    """The client is known and may come in: opens or resumes its session and answers CONNACK."""
    link.client_id = link.client.client_id = link.client.client_id or greeting.new_client_id()
    # [MQTT-3.2.2-16]
    assigned = "" if packet.client_id else link.client_id
    try:
        greeting.mount(link.client)
        answer = greeting.connack(link, assigned)
    except Refused as error:
        link.end(error.reason, now)
        return
    enter(broker, link, packet, answer, now)


def enter(broker: Broker, link: Link, packet: mqtt.Connect, answer: mqtt.Connack, now: float) -> None:
    """Gives the client its session and tells it, but only when one it does not want any more is gone for good."""
    link.connected_at = now
    old = broker.sessions.get(link.client_id)
    if old is not None and old.link is None:
        # [MQTT-4.1.0-2] and [MQTT-3.1.2-8]: what is over, or due, since the last tick.
        check_offline(broker, old, now)
        old = broker.sessions.get(link.client_id)
    if old is not None:
        # Nobody resumes what is somebody else's.
        fresh = packet.clean_start or old.identity.owner != link.identity.owner
        _take_over(broker, old, fresh, now)
        if fresh:
            was_kept = old.ledger is not None
            broker.end_session(old, now, "session.discarded")
            old = None
            if was_kept and broker.ledger.waits_for():
                link.waiting = Opening(packet, answer)
                return
    session = old
    if session is None:
        session = Session(link.client_id, link.identity, broker.limits, now, broker.happenings)
        broker.sessions[link.client_id] = session
        broker.count["session.created"] += 1
    else:
        broker.count["session.resumed"] += 1
    broker.offline.pop(session.client_id, None)
    greeting.enter(session, link, packet, now)
    broker.ledger.follow(session)
    broker.count["packets.connack.sent"] += 1
    broker.count["client.connected"] += 1
    # MQTT 3.1 has no such flag.
    answer.session_present = old is not None and link.version > mqtt.MQTT_3_1
    link.emit(mqtt.encode(answer, link.version))
    broker.happenings.tell(broker.happenings.answered, link, 0, now)
    broker.happenings.tell(broker.happenings.connected, session, now)
    broker.forget_session(session)
    session.withdraw(broker.gate.may_receive, now, resumed=True)
    session.resume(now)
    retaining.pay(broker, session, now)


def _take_over(broker: Broker, session: Session, fresh: bool, now: float) -> None:
    link = session.link
    if link is None:
        return
    # [MQTT-3.1.4-3]; the old connection's will, contract §3.3
    will, delay, session.will = session.will, session.will_delay, None
    broker.count["session.takenover"] += 1
    interval, session.expiry_interval = session.expiry_interval, FOREVER
    link.end(Reason.SESSION_TAKEN_OVER, now, "discarded" if fresh else "takenover")
    session.expiry_interval = interval
    if will is not None and (fresh or not delay):
        session.will = will
        broker.publish_due_will(session, now)

"""The last step of the hot path: the same bytes given to many links, and what they acknowledge.

See `broker` for what it may do.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from .model import Delivery
from .runs import Run, Sent

if TYPE_CHECKING:
    from .links import Link
    from .sessions import InFlight

_PUBACK = Struct(">2xH")


def hand_out(data: bytes, count: int, links: list[Link]) -> None:
    """Gives `count` QoS 0 messages to links that take them as these bytes; who is slow gets none of them."""
    size = len(data)
    for link in links:
        if link.room <= 0:
            link.dropped_slow += count
            continue
        link.room -= size
        link.sent[0] += count
        link.out.append(data)
        if not link.dirty:
            link.dirty = True
            broker = link.broker
            broker.dirty.append(link)
            if not broker.is_awake:
                broker.wake()


def give_acked(links: list[Link], run: Run, now: float) -> None:
    """Sends a run of QoS 1 messages to links that take it as it is, but for the packet identifiers."""
    count = run.count
    for link in links:
        session = link.session
        if session is None:
            continue
        inflight, first = session.inflight, session.last_id + 1
        ids = range(first, first + count)
        if (
            session.queue
            or len(inflight) + count > session.window
            or link.room <= 0
            or ids.stop > 0x10000
            or not inflight.keys().isdisjoint(ids)
        ):
            for delivery in run.deliveries:
                session.send(delivery, now)
            continue
        session.last_id += count
        inflight.update(dict.fromkeys(ids, Sent(run, first)))
        frames = run.frames(first)
        link.room -= len(frames)
        link.sent[1] += count
        link.out.append(frames)
        if not link.dirty:
            link.mark()


def take_acks(link: Link, inflight: InFlight, data: bytes, pos: int) -> int:
    """Ends the handshakes of the PUBACKs, in their short form, that begin at `pos`; returns where they end."""
    count = (len(data) - pos) // 4
    kinds, sizes = data[pos : pos + 4 * count : 4], data[pos + 1 : pos + 4 * count : 4]
    count = min(count - len(kinds.lstrip(b"@")), count - len(sizes.lstrip(b"\2")))
    stop = pos + 4 * count
    acked = 0
    for (packet_id,) in _PUBACK.iter_unpack(data[pos:stop]):
        delivery = inflight.get(packet_id)
        if delivery.__class__ is Sent or (isinstance(delivery, Delivery) and delivery.qos == 1):
            del inflight[packet_id]
            acked += 1
        elif delivery is None:
            link.missed_acks += 1
        else:
            link.broker.count["packets.puback.received"] += 1
            link.broker.count["packets.puback.inuse"] += 1
    link.received_acks += acked
    return stop

"""The last step of the hot path: the same bytes given to many links. See `broker` for what it may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .model import Delivery

if TYPE_CHECKING:
    from .links import Link


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


def give_acked(
    links: list[Link], deliveries: list[Delivery], run: list[tuple[bytes, bytes, bytes]], now: float
) -> None:
    """Sends QoS 1 messages to links that take them as these bytes around the packet identifier, which alone differs.

    Each is given as the bytes before, of and after its first packet identifier.
    """
    for link in links:
        session = link.session
        if session is None:
            continue
        inflight, out = session.inflight, link.out
        if session.queue or len(inflight) + len(run) > session.window or link.room <= 0:
            for delivery in deliveries:
                session.send(delivery, now)
            continue
        for delivery, (head, _, tail) in zip(deliveries, run, strict=True):
            packet_id = session.last_id + 1
            if packet_id > 0xFFFF or packet_id in inflight:
                packet_id = session.free_id()
            session.last_id = packet_id
            inflight[packet_id] = delivery
            out.append(head + packet_id.to_bytes(2, "big") + tail)
            link.room -= len(head) + 2 + len(tail)
        link.sent[1] += len(run)
        if not link.dirty:
            link.mark()

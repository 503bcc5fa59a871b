"""Runs: QoS 1 messages of one topic that came in one read, handled as one piece of bytes.

Theory. Who publishes many messages publishes them on few topics, and often all equally long. Such packets differ in nothing but
packet identifier and payload, and the identifiers lie at regular places. So a run stays as the bytes it came in: a receiver is
sent the same bytes with a range of its own identifiers written over the places (for equally long packets by slices whose step
is the packets' size), and the PUBACKs to the sender are made of its identifiers in the same way. In `Session.inflight` every
identifier of a run stands for one `Sent`; messages and deliveries are made when somebody asks, which for most is never.
Rules for changing it: a run says what its packets say one by one; none of them has properties, flags or the identifier 0; it is
short, for all its bytes are kept until its last message is acknowledged.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct as Layout
from typing import TYPE_CHECKING

from msgspec import Struct

from folkmoot.wire.mqtt import MQTT_5

from .model import Delivery, Message

if TYPE_CHECKING:
    from .links import Link

#: The most messages of a run, and the most bytes if it is more than one message.
_MESSAGES_MAX = 128
_BYTES_MAX = 16_384
#: From so many on, equally long messages are worth a run of their own.
_EVEN_MIN = 8
#: The halves of all packet identifiers in their order.
_HIGH = b"".join(bytes((half,)) * 256 for half in range(256))
_LOW = bytes(range(256)) * 256
_IDENTIFIER = Layout(">H")


class Run(Struct):
    """See above: packets `data`, with the packet identifier of each at its place, so far `inside` the packet."""

    topic: str
    data: bytes
    inside: int
    places: Sequence[int]
    size: int
    """Of each packet if they are equally long, else 0."""
    v5: bool
    """Whether there is an (empty) property list in each."""
    published_at: float = 0.0
    from_client: str = ""
    from_name: str | None = None
    share: tuple[str, str] | None = None
    """The group and filter of the shared subscription it is sent for."""
    _framed_for: int = 0
    _framed: bytes = b""
    _deliveries: list[Delivery] = []

    @property
    def count(self) -> int:
        """How many messages it is."""
        return len(self.places)

    @property
    def deliveries(self) -> list[Delivery]:
        """Its messages one by one; the same ones each time."""
        if not self._deliveries:
            share = self.share
            self._deliveries = [Delivery(self._message(at), 1, share=share) for at in range(len(self.places))]
        return self._deliveries

    def _message(self, at: int) -> Message:
        payload = self._packet(at)[self.inside + 2 + self.v5 :]
        return Message(self.topic, payload, 1, False, b"", 0.0, self.published_at, self.from_client, self.from_name)

    def _packet(self, at: int) -> bytes:
        places, inside = self.places, self.inside
        last = at + 1 == len(places)
        return self.data[places[at] - inside : None if last else places[at + 1] - inside]

    def frames(self, first: int) -> bytes:
        """Its packets with the identifiers from `first` on."""
        if first != self._framed_for:
            # Receivers that have got the same so far are at the same identifier.
            self._framed_for, self._framed = first, self._renumbered(first)
        return self._framed

    def _renumbered(self, first: int) -> bytes:
        frames, inside, size, after = bytearray(self.data), self.inside, self.size, first + len(self.places)
        if size:
            frames[inside::size] = _HIGH[first:after]
            frames[inside + 1 :: size] = _LOW[first:after]
        else:
            for place, packet_id in zip(self.places, range(first, after), strict=True):
                _IDENTIFIER.pack_into(frames, place, packet_id)
        return bytes(frames)

    def acks(self, code: bytes) -> bytes:
        """The PUBACK of each, with a reason code or none."""
        data, inside, size = self.data, self.inside, self.size
        found = bytearray((bytes((0x40, 2 + len(code), 0, 0)) + code) * len(self.places))
        step = 4 + len(code)
        found[2::step] = data[inside::size] if size else bytes([data[place] for place in self.places])
        found[3::step] = data[inside + 1 :: size] if size else bytes([data[place + 1] for place in self.places])
        return bytes(found)

    def part(self, chosen: Sequence[int], share: tuple[str, str]) -> Run:
        """Some of its messages, for a member of a group."""
        data, places = b"", []
        for at in chosen:
            places.append(len(data) + self.inside)
            data += self._packet(at)
        size = self.size
        if size:
            return self._like(data, range(self.inside, len(data), size), size, share)
        return self._like(data, places, 0, share)

    def _like(self, data: bytes, places: Sequence[int], size: int, share: tuple[str, str]) -> Run:
        return Run(
            self.topic, data, self.inside, places, size, self.v5,
            self.published_at, self.from_client, self.from_name, share,
        )  # fmt: skip


class Sent(Struct, frozen=True):
    """A run on its way to one receiver, under the packet identifiers from `first` on."""

    run: Run
    first: int

    def delivery(self, packet_id: int) -> Delivery:
        """The one with this identifier."""
        return self.run.deliveries[packet_id - self.first]


def take(topic: str, data: bytes, pos: int, after: int, stop: int, source: Link, now: float) -> Run | None:
    """The run that begins with the QoS 1 PUBLISH `data[pos:stop]`, whose topic ends at `after`; None if that is none.

    The packet is complete, and long enough for an identifier and an empty property list.
    """
    v5 = source.version == MQTT_5
    if data[after : after + 2] == b"\0\0" or (v5 and data[after + 2]):
        return None
    inside, size = after - pos, stop - pos
    places: Sequence[int] = range(inside, _even(data, pos, inside, size, v5) - pos, size)
    if len(places) < _EVEN_MIN and data[pos + 1] < 128:
        limit = min(127, source.broker.limits.max_packet_size - 5)
        found, end = _uneven(data, pos, inside, stop, limit, v5)
        if len(found) > len(places):
            return Run(topic, data[pos:end], inside, found, 0, v5, now, source.client_id, source.identity.name)
    end = pos + len(places) * size
    return Run(topic, data[pos:end], inside, places, size, v5, now, source.client_id, source.identity.name)


def _even(data: bytes, pos: int, inside: int, size: int, v5: bool) -> int:
    """Where the packets end that are equally long and begin in the same way as the first, which is known to be right."""
    head, here = data[pos : pos + inside], pos + size
    last = min(len(data), pos + min(_MESSAGES_MAX * size, max(_BYTES_MAX, size))) - size
    while here <= last and data.startswith(head, here):
        here += size
    lows = data[pos + inside + 1 : here : size]
    count = len(lows)
    if 0 in lows:
        highs = data[pos + inside : here : size]
        count = next((at for at in range(count) if not (lows[at] or highs[at])), count)
    if v5:
        lists = data[pos + inside + 2 : here : size]
        count = min(count, len(lists) - len(lists.lstrip(b"\0")))
    return pos + count * size


def _uneven(data: bytes, pos: int, inside: int, stop: int, limit: int, v5: bool) -> tuple[list[int], int]:
    """The same for packets of different lengths, up to a limit below 128: the places of their identifiers, and where they end."""
    same = data[pos + 2 : pos + inside]
    floor, last = len(same) + 2 + v5, min(len(data), pos + _BYTES_MAX)
    places = [inside]
    while len(places) < _MESSAGES_MAX and last - stop >= 2 and data[stop] == 0x32:
        size, here = data[stop + 1], stop + inside
        if not floor <= size <= limit or stop + 2 + size > last or not data.startswith(same, stop + 2):
            break
        if data[here : here + 2] == b"\0\0" or (v5 and data[here + 2]):
            break
        places.append(here - pos)
        stop += 2 + size
    return places, stop

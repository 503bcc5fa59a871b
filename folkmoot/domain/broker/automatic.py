"""Subscriptions every client gets when it connects (contract §2.7); nobody is asked whether it may."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from folkmoot.errors import Conflict, Invalid
from folkmoot.wire import mqtt

from .model import Client, Refused
from .topics import is_filter, is_special_by_value, is_wild, split_shared

if TYPE_CHECKING:
    from .broker import Broker
    from .sessions import Session

SUBSCRIPTIONS_MAX = 20


class AutomaticSubscription(Struct, frozen=True):
    """`topic` is a filter with the placeholders ${clientid}, ${username}, ${host} and ${port}; the rest as in SUBSCRIBE."""

    topic: str
    qos: int = 0
    retain_handling: int = 0
    retain_as_published: bool = False
    no_local: bool = False


class Automatic:
    """What each client is subscribed to."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.subscriptions: list[AutomaticSubscription] = []

    def replace(self, subscriptions: Sequence[AutomaticSubscription]) -> None:
        """These are made from now on; who is connected keeps what it has. Raises Invalid, and Conflict for too many."""
        check(subscriptions)
        self.subscriptions = list(subscriptions)
        connected = self._broker.happenings.connected
        if self._connected in connected:
            connected.remove(self._connected)
        if subscriptions:
            connected.append(self._connected)

    def _connected(self, session: Session, now: float) -> None:
        for one in self.subscriptions:
            topic = _filled(one.topic, session.client)
            if topic is None:
                # As nobody is asked whether it may.
                self._broker.count["packets.subscribe.error"] += 1
                continue
            entry = mqtt.Filter(topic, one.qos, one.no_local, one.retain_as_published, one.retain_handling)
            try:
                self._broker.subscribe(session, entry, now)
            except Refused:
                # What the client is called makes it no filter.
                self._broker.count["packets.subscribe.error"] += 1


def check(subscriptions: Sequence[AutomaticSubscription]) -> None:
    """Raises Invalid for what is no filter, and Conflict for too many."""
    if len(subscriptions) > SUBSCRIPTIONS_MAX:
        raise Conflict("auto_subscribe.full", f"There can be at most {SUBSCRIPTIONS_MAX} of these subscriptions.")
    for at, one in enumerate(subscriptions):
        try:
            group, inner = split_shared(one.topic)
            legal = is_filter(inner) and not (group is not None and one.no_local)
        except ValueError:
            legal = False
        if not legal:
            raise Invalid("auto_subscribe.topic", "Nobody can be subscribed to this.", f"[{at}].topic")


def _filled(template: str, client: Client) -> str | None:
    """The filter for a client, None when what the client is called would make it another kind of filter."""
    values = {
        "${clientid}": client.client_id,
        "${username}": "undefined" if client.username is None else client.username,
        "${host}": client.address,
        "${port}": str(client.port),
    }
    out, rest = "", template
    while rest:
        placeholder = next((each for each in values if rest.startswith(each)), None)
        if placeholder is None:
            out, rest = out + rest[0], rest[1:]
        else:
            if is_wild(values[placeholder]):
                return None
            out, rest = out + values[placeholder], rest[len(placeholder) :]
    return None if is_special_by_value(out, template) else out

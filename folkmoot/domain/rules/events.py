"""What besides messages a rule can listen to: the names in FROM, and in the words of a test (contract §2.13)."""

from __future__ import annotations

import re
from typing import NamedTuple


class Event(NamedTuple):
    """One kind of happening: as FROM says it, as a test says it, and the list of the broker's happenings it comes from."""

    topic: str
    type: str
    told: str


def _event(name: str, told: str, folder: str = "$events/") -> Event:
    return Event(folder + name, name, told)


EVENTS = (
    _event("client_connected", "connected"),
    _event("client_disconnected", "disconnected"),
    _event("client_connack", "answered"),
    _event("client_check_authz_complete", "judged"),
    _event("client_check_authn_complete", "authenticated"),
    _event("session_subscribed", "subscribed"),
    _event("session_unsubscribed", "unsubscribed"),
    _event("message_delivered", "delivered"),
    _event("message_acked", "acked"),
    _event("message_dropped", "unrouted"),
    _event("delivery_dropped", "dropped"),
    _event("alarm_activated", "alarm_activated", "$events/sys/"),
    _event("alarm_deactivated", "alarm_deactivated", "$events/sys/"),
)
BY_TOPIC = {each.topic: each for each in EVENTS}
#: In a test, what any source brings.
BRIDGED_TYPE = "$bridges/mqtt:*"
PUBLISHED_TYPE = "message_publish"

_CHANNEL = re.compile(r"\$(?:bridges|sources)/([0-9a-z_]+:[^/\s+#:]{1,255})")


def channel(topic: str) -> str | None:
    """The `type:name` behind `$bridges/` or `$sources/`, None for any other topic."""
    match = _CHANNEL.fullmatch(topic)
    return None if match is None else match[1]


def is_special(topic: str) -> bool:
    """Whether a topic in FROM is not a filter of messages."""
    return topic.startswith(("$events/", "$bridges/", "$sources/"))

"""The MQTT broker, in memory: sessions, subscriptions, routing, retained messages, and who may do what.

`Broker` is the owner of it all; a `Link` is its half of one connection. Sockets are the surface's.
"""

from .actions import keep
from .broker import Broker
from .happenings import Happenings
from .links import Link
from .model import (
    FOREVER,
    Alarm,
    Changes,
    Client,
    Damaged,
    Delivery,
    Gate,
    Identity,
    Journal,
    Kept,
    Message,
    OpenGate,
    Post,
    Question,
    Refused,
    Verdict,
    Wish,
)
from .options import Limits, Options
from .queries import set_aside
from .restoring import list_retained, read_sessions
from .retained import Retained
from .sessions import Session, Subscription
from .settings import delete_setting, find_setting, list_settings, save_setting
from .topics import is_filter, is_topic, matches, split_shared

__all__ = [
    "FOREVER",
    "Alarm",
    "Broker",
    "Changes",
    "Client",
    "Damaged",
    "Delivery",
    "Gate",
    "Happenings",
    "Identity",
    "Journal",
    "Kept",
    "Limits",
    "Link",
    "Message",
    "OpenGate",
    "Options",
    "Post",
    "Question",
    "Refused",
    "Retained",
    "Session",
    "Subscription",
    "Verdict",
    "Wish",
    "delete_setting",
    "find_setting",
    "is_filter",
    "is_topic",
    "keep",
    "list_retained",
    "list_settings",
    "matches",
    "read_sessions",
    "save_setting",
    "set_aside",
    "split_shared",
]

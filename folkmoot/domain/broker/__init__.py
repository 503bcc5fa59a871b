"""The MQTT broker, in memory: sessions, subscriptions, routing, retained messages, and who may do what.

`Broker` is the owner of it all; a `Link` is its half of one connection. Sockets are the surface's.
"""

from .access import CommunityGate, messages_topic, open_spaces, posted_space, readable_spaces
from .actions import keep_retained
from .broker import Broker
from .links import Link, Post
from .model import (
    FOREVER,
    Delivery,
    Gate,
    Identity,
    Journal,
    Limits,
    Message,
    OpenGate,
    Refused,
    RetainedChange,
)
from .queries import list_retained
from .retained import Retained
from .sessions import Session, Subscription
from .topics import is_filter, is_topic, matches, split_shared

__all__ = [
    "FOREVER",
    "Broker",
    "CommunityGate",
    "Delivery",
    "Gate",
    "Identity",
    "Journal",
    "Limits",
    "Link",
    "Message",
    "OpenGate",
    "Post",
    "Refused",
    "Retained",
    "RetainedChange",
    "Session",
    "Subscription",
    "is_filter",
    "is_topic",
    "keep_retained",
    "list_retained",
    "matches",
    "messages_topic",
    "open_spaces",
    "posted_space",
    "readable_spaces",
    "split_shared",
]

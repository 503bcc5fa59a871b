"""The MQTT broker, in memory: sessions, subscriptions, routing, retained messages, and who may do what.

`Broker` is the owner of it all; a `Link` is its half of one connection. Sockets are the surface's.
"""

from . import documents
from .actions import keep
from .agenda import Agenda
from .automatic import AutomaticSubscription
from .broker import Broker
from .delayed import Delayed, DelayedSettings
from .expressions import check_expression
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
    Opening,
    Post,
    Postponed,
    Question,
    Receipt,
    Refused,
    Verdict,
    Wish,
)
from .naming import message_id
from .options import Limits, Options, Strategy
from .pace import Pace
from .posts import is_new_post
from .queries import set_aside
from .queues import priority as queue_priority
from .restoring import list_delayed, list_retained, read_sessions
from .retained import Retained, RetainedSettings
from .rewriting import RewriteRule, Rewriting
from .sessions import Session, Subscription
from .settings import delete_setting, find_setting, list_settings, read_setting, save_setting
from .topic_metrics import Meter, TopicMetrics
from .topics import is_filter, is_topic, matches, split_shared

__all__ = [
    "FOREVER",
    "Agenda",
    "Alarm",
    "AutomaticSubscription",
    "Broker",
    "Changes",
    "Client",
    "Damaged",
    "Delayed",
    "DelayedSettings",
    "Delivery",
    "Gate",
    "Happenings",
    "Identity",
    "Journal",
    "Kept",
    "Limits",
    "Link",
    "Message",
    "Meter",
    "OpenGate",
    "Opening",
    "Options",
    "Pace",
    "Post",
    "Postponed",
    "Question",
    "Receipt",
    "Refused",
    "Retained",
    "RetainedSettings",
    "RewriteRule",
    "Rewriting",
    "Session",
    "Strategy",
    "Subscription",
    "TopicMetrics",
    "Verdict",
    "Wish",
    "check_expression",
    "delete_setting",
    "documents",
    "find_setting",
    "is_filter",
    "is_new_post",
    "is_topic",
    "keep",
    "list_delayed",
    "list_retained",
    "list_settings",
    "matches",
    "message_id",
    "queue_priority",
    "read_sessions",
    "read_setting",
    "save_setting",
    "set_aside",
    "split_shared",
]

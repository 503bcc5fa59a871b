"""Connectors to other servers, the actions that send through them, the sources that fetch; as values, kept in tables.

What runs them is `delivery.bridges`.
"""

from .actions import create, enable, remove, replace
from .checks import check, parse_server
from .model import (
    HIDDEN,
    REQUESTS,
    SERVERS,
    SUBSCRIPTIONS,
    Action,
    Bridges,
    Channel,
    Connector,
    Duration,
    Health,
    HttpRequest,
    HttpServer,
    MqttPublish,
    MqttServer,
    MqttSubscription,
    PoolSize,
    Resource,
    Source,
    StaticIds,
    Status,
    Tls,
)
from .queries import dependants, get_action, get_connector, get_source, list_actions, list_connectors, list_sources
from .secrets import hide, reveal
from .trails import TRAIL, join_trail, leave, read_trail, write_trail

__all__ = [
    "HIDDEN",
    "REQUESTS",
    "SERVERS",
    "SUBSCRIPTIONS",
    "TRAIL",
    "Action",
    "Bridges",
    "Channel",
    "Connector",
    "Duration",
    "Health",
    "HttpRequest",
    "HttpServer",
    "MqttPublish",
    "MqttServer",
    "MqttSubscription",
    "PoolSize",
    "Resource",
    "Source",
    "StaticIds",
    "Status",
    "Tls",
    "check",
    "create",
    "dependants",
    "enable",
    "get_action",
    "get_connector",
    "get_source",
    "hide",
    "join_trail",
    "leave",
    "list_actions",
    "list_connectors",
    "list_sources",
    "parse_server",
    "read_trail",
    "remove",
    "replace",
    "reveal",
    "write_trail",
]

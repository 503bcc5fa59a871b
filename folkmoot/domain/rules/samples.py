"""Values for columns that a test of a rule does not give, an example of SQL per kind of event, and what it is about.

Each example selects something of its own samples: a test runs them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from . import events

_AT = 1_645_002_753_259
_ID = "0005D825FCF6B2C1F44500000C1B0001"
_CLIENT: dict[str, Any] = {"clientid": "c_emqx", "username": "u_emqx"}
_PEER: dict[str, Any] = {"peerhost": "127.0.0.1", "peername": "127.0.0.1:63412"}
_ATTRS: dict[str, Any] = {"client_attrs": {"test": "example"}}
_MESSAGE: dict[str, Any] = {
    "id": _ID,
    **_CLIENT,
    "payload": '{"msg": "hello"}',
    **_PEER,
    "topic": "t/a",
    "qos": 1,
    "flags": {"retain": False, "dup": False, "sys": False},
    "pub_props": {"User-Property": {"prop": "value"}},
    "publish_received_at": _AT,
}
_FROM: dict[str, Any] = {"from_clientid": "c_emqx_1", "from_username": "u_emqx_1"}
_CONNECTION: dict[str, Any] = {
    **_CLIENT,
    "peername": "127.0.0.1:63412",
    "sockname": "127.0.0.1:1883",
    "proto_name": "MQTT",
    "proto_ver": 5,
}
_SESSION: dict[str, Any] = {
    "keepalive": 60,
    "clean_start": True,
    "expiry_interval": 3600,
    "conn_props": {"Session-Expiry-Interval": 3600},
    "connected_at": _AT,
}
_SUBSCRIPTION: dict[str, Any] = {**_CLIENT, **_PEER, "topic": "t/a", "qos": 1}
_ALARM: dict[str, Any] = {
    "name": "high_cpu_usage",
    "details": {"usage": "85%"},
    "message": "cpu usage is high",
    "activated_at": _AT * 1000,
}


class Example(Struct, frozen=True):
    """One kind of event: as FROM and as a test says it, its name and story in words, its columns with samples, and SQL."""

    topic: str
    type: str
    title: str
    story: str
    columns: dict[str, Any]
    asked: tuple[str, ...]
    """The columns that a test is most likely to set."""
    sql: str


def _of(
    type_: str, title: str, story: str, columns: dict[str, Any], asked: str, selected: str = "*", where: str = ""
) -> Example:
    topic = next((each.topic for each in events.EVENTS if each.type == type_), "t/#")
    topic = "$bridges/mqtt:*" if type_ == events.BRIDGED_TYPE else topic
    name = type_ if type_.startswith("$") else type_.replace("_", ".", 1)
    full = {**columns, "event": name, "timestamp": _AT, "node": "emqx@127.0.0.1"}
    source = "$bridges/mqtt:my_source" if type_ == events.BRIDGED_TYPE else topic
    condition = f" WHERE {where}" if where else ""
    sql = f'SELECT {selected} FROM "{source}"{condition}'
    return Example(topic, type_, title, story, full, tuple(asked.split()), sql)


EXAMPLES = (
    _of(
        events.PUBLISHED_TYPE,
        "message publish",
        "a message is published, before it is routed",
        {**_MESSAGE, **_ATTRS},
        "clientid username topic qos payload",
        "payload.msg AS msg, clientid",
    ),
    _of(
        "message_delivered",
        "message delivered",
        "a message was sent to a subscriber",
        {**_MESSAGE, **_FROM},
        "from_clientid from_username clientid username topic qos payload",
        where="topic =~ 't/#'",
    ),
    _of(
        "message_acked",
        "message acked",
        "a subscriber has acknowledged a message",
        {**_MESSAGE, **_FROM, "puback_props": {}},
        "from_clientid from_username clientid username topic qos payload",
        where="topic =~ 't/#'",
    ),
    _of(
        "message_dropped",
        "message dropped",
        "a message that reaches nobody is dropped",
        {**_MESSAGE, "reason": "no_subscribers"},
        "reason clientid username topic qos payload",
        where="topic =~ 't/#'",
    ),
    _of(
        "delivery_dropped",
        "delivery dropped",
        "a message for a subscriber is dropped",
        {**_MESSAGE, **_FROM, "reason": "queue_full"},
        "reason from_clientid from_username clientid username topic qos payload",
        where="topic =~ 't/#'",
    ),
    _of(
        "session_subscribed",
        "session subscribed",
        "a client has subscribed",
        {**_SUBSCRIPTION, "sub_props": {}, **_ATTRS},
        "clientid username topic qos",
        where="topic =~ 't/#'",
    ),
    _of(
        "session_unsubscribed",
        "session unsubscribed",
        "a client has unsubscribed",
        {**_SUBSCRIPTION, "unsub_props": {}, **_ATTRS},
        "clientid username topic qos",
        where="topic =~ 't/#'",
    ),
    _of(
        "client_connected",
        "client connected",
        "a client has connected",
        {**_CONNECTION, "mountpoint": None, **_SESSION, "is_bridge": False, **_ATTRS},
        "clientid username peername",
    ),
    _of(
        "client_disconnected",
        "client disconnected",
        "a client has disconnected",
        {
            **_CONNECTION,
            "reason": "normal",
            "disconn_props": {},
            "connected_at": _AT,
            "disconnected_at": _AT,
            **_ATTRS,
        },
        "clientid username reason",
    ),
    _of(
        "client_connack",
        "client connack",
        "a client was told whether it may connect",
        {**_CONNECTION, "reason_code": "success", **_SESSION},
        "clientid username reason_code",
    ),
    _of(
        "client_check_authz_complete",
        "client check authz complete",
        "it was decided whether a client may publish or subscribe",
        {**_CLIENT, **_PEER, "topic": "t/a", "action": "publish", "authz_source": "cache", "result": "allow", **_ATTRS},
        "clientid username topic action result",
    ),
    _of(
        "client_check_authn_complete",
        "client check authn complete",
        "it was decided whether a client is who it says",
        {
            **_CLIENT,
            "peername": "127.0.0.1:63412",
            "reason_code": "success",
            "is_superuser": False,
            "is_anonymous": False,
            **_ATTRS,
        },
        "clientid username reason_code is_superuser is_anonymous",
    ),
    _of("alarm_activated", "alarm activated", "an alarm has begun", _ALARM, "name details message activated_at"),
    _of(
        "alarm_deactivated",
        "alarm deactivated",
        "an alarm has ended",
        {**_ALARM, "deactivated_at": _AT * 1000},
        "name details message activated_at deactivated_at",
    ),
    _of(
        events.BRIDGED_TYPE,
        "message from an MQTT source",
        "a source has brought a message of another broker",
        {
            "id": _ID,
            "payload": '{"msg": "hello"}',
            "server": "192.168.0.10:1883",
            "topic": "t/a",
            "qos": 1,
            "dup": False,
            "retain": False,
            "pub_props": {},
            "message_received_at": _AT,
        },
        "topic qos payload",
    ),
)
BY_TYPE = {each.type: each for each in EXAMPLES}


def filled(type_: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of an event with samples where nothing was given."""
    return {**BY_TYPE[type_].columns, **given}

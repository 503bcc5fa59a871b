"""The vocabulary of MQTT: packets as values, reason codes, property names and the one error.

Nothing here reads or writes bytes; `parse` and `encode` do.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Literal

from msgspec import Struct

#: Protocol levels as they stand in CONNECT.
MQTT_3_1, MQTT_3_1_1, MQTT_5 = 3, 4, 5

#: The largest value of a variable byte integer, four bytes (MQTT 5 §1.5.5).
VARINT_MAX = 268_435_455


class Kind(IntEnum):
    """The packet type, the upper half of the first byte (MQTT 5 §2.1.2)."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15


class Reason(IntEnum):
    """MQTT 5 reason codes (§2.4); below 0x80 all is well."""

    SUCCESS = 0x00
    GRANTED_QOS_1 = 0x01
    GRANTED_QOS_2 = 0x02
    DISCONNECT_WITH_WILL = 0x04
    NO_MATCHING_SUBSCRIBERS = 0x10
    NO_SUBSCRIPTION_EXISTED = 0x11
    CONTINUE_AUTHENTICATION = 0x18
    REAUTHENTICATE = 0x19
    UNSPECIFIED_ERROR = 0x80
    MALFORMED_PACKET = 0x81
    PROTOCOL_ERROR = 0x82
    IMPLEMENTATION_ERROR = 0x83
    UNSUPPORTED_VERSION = 0x84
    CLIENT_ID_NOT_VALID = 0x85
    BAD_CREDENTIALS = 0x86
    NOT_AUTHORIZED = 0x87
    SERVER_UNAVAILABLE = 0x88
    SERVER_BUSY = 0x89
    BANNED = 0x8A
    SHUTTING_DOWN = 0x8B
    BAD_AUTHENTICATION_METHOD = 0x8C
    KEEP_ALIVE_TIMEOUT = 0x8D
    SESSION_TAKEN_OVER = 0x8E
    TOPIC_FILTER_INVALID = 0x8F
    TOPIC_NAME_INVALID = 0x90
    PACKET_ID_IN_USE = 0x91
    PACKET_ID_NOT_FOUND = 0x92
    RECEIVE_MAXIMUM_EXCEEDED = 0x93
    TOPIC_ALIAS_INVALID = 0x94
    PACKET_TOO_LARGE = 0x95
    MESSAGE_RATE_TOO_HIGH = 0x96
    QUOTA_EXCEEDED = 0x97
    ADMINISTRATIVE_ACTION = 0x98
    PAYLOAD_FORMAT_INVALID = 0x99
    RETAIN_NOT_SUPPORTED = 0x9A
    QOS_NOT_SUPPORTED = 0x9B
    USE_ANOTHER_SERVER = 0x9C
    SERVER_MOVED = 0x9D
    SHARED_NOT_SUPPORTED = 0x9E
    CONNECTION_RATE_EXCEEDED = 0x9F
    MAXIMUM_CONNECT_TIME = 0xA0
    SUBSCRIPTION_IDS_NOT_SUPPORTED = 0xA1
    WILDCARDS_NOT_SUPPORTED = 0xA2


class Prop(IntEnum):
    """MQTT 5 property identifiers (§2.2.2.2)."""

    PAYLOAD_FORMAT = 0x01
    MESSAGE_EXPIRY = 0x02
    CONTENT_TYPE = 0x03
    RESPONSE_TOPIC = 0x08
    CORRELATION_DATA = 0x09
    SUBSCRIPTION_ID = 0x0B
    SESSION_EXPIRY = 0x11
    ASSIGNED_CLIENT_ID = 0x12
    SERVER_KEEP_ALIVE = 0x13
    AUTH_METHOD = 0x15
    AUTH_DATA = 0x16
    REQUEST_PROBLEM_INFORMATION = 0x17
    WILL_DELAY = 0x18
    REQUEST_RESPONSE_INFORMATION = 0x19
    RESPONSE_INFORMATION = 0x1A
    SERVER_REFERENCE = 0x1C
    REASON_STRING = 0x1F
    RECEIVE_MAXIMUM = 0x21
    TOPIC_ALIAS_MAXIMUM = 0x22
    TOPIC_ALIAS = 0x23
    MAXIMUM_QOS = 0x24
    RETAIN_AVAILABLE = 0x25
    USER_PROPERTY = 0x26
    MAXIMUM_PACKET_SIZE = 0x27
    WILDCARDS_AVAILABLE = 0x28
    SUBSCRIPTION_IDS_AVAILABLE = 0x29
    SHARED_AVAILABLE = 0x2A


#: Integers and strings as themselves; USER_PROPERTY a list of pairs, SUBSCRIPTION_ID a list of integers.
PropertyValue = int | str | bytes | list[tuple[str, str]] | list[int]
Properties = dict[Prop, PropertyValue]


class PacketError(Exception):
    """Bytes that are no packet (the peer's fault) or a value that has no bytes (ours).

    `reason` is what MQTT 5 puts into DISCONNECT or CONNACK for it.
    """

    def __init__(self, reason: Reason, message: str, fault: Literal["peer", "ours"] = "peer") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.fault = fault


class Will(Struct):
    """The message to be published when the connection is lost (MQTT 5 §3.1.3.2)."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    properties: Properties = {}


class Connect(Struct):
    """CONNECT. `keepalive` is in seconds; `is_bridge` is the upper bit of the level that bridges set."""

    version: int
    client_id: str
    clean_start: bool = True
    keepalive: int = 0
    username: str | None = None
    password: bytes | None = None
    will: Will | None = None
    properties: Properties = {}
    is_bridge: bool = False


class Connack(Struct):
    """CONNACK. For MQTT 3 `code` is one of its six return codes."""

    session_present: bool = False
    code: int = 0
    properties: Properties = {}


class Publish(Struct):
    """PUBLISH. `packet_id` is 0 for QoS 0."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    dup: bool = False
    packet_id: int = 0
    properties: Properties = {}


class Ack(Struct):
    """PUBACK, PUBREC, PUBREL or PUBCOMP, as `kind` says."""

    kind: Kind
    packet_id: int
    code: int = 0
    properties: Properties = {}


class Filter(Struct):
    """One entry of SUBSCRIBE: a topic filter and its options (MQTT 5 §3.8.3.1)."""

    topic_filter: str
    qos: int = 0
    no_local: bool = False
    retain_as_published: bool = False
    retain_handling: int = 0


class Subscribe(Struct):
    """SUBSCRIBE."""

    packet_id: int
    filters: list[Filter]
    properties: Properties = {}


class Suback(Struct):
    """SUBACK: one code per filter, in order."""

    packet_id: int
    codes: list[int]
    properties: Properties = {}


class Unsubscribe(Struct):
    """UNSUBSCRIBE."""

    packet_id: int
    filters: list[str]
    properties: Properties = {}


class Unsuback(Struct):
    """UNSUBACK: one code per filter in MQTT 5, none in MQTT 3."""

    packet_id: int
    codes: list[int] = []
    properties: Properties = {}


class Pingreq(Struct):
    """PINGREQ."""


class Pingresp(Struct):
    """PINGRESP."""


class Disconnect(Struct):
    """DISCONNECT. Only MQTT 5 carries a code."""

    code: int = 0
    properties: Properties = {}


class Auth(Struct):
    """AUTH, MQTT 5 only."""

    code: int = 0
    properties: Properties = {}


Packet = (
    Connect
    | Connack
    | Publish
    | Ack
    | Subscribe
    | Suback
    | Unsubscribe
    | Unsuback
    | Pingreq
    | Pingresp
    | Disconnect
    | Auth
)

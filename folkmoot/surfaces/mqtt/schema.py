"""The words and shapes of the EMQX 5 management API (contract §1 and §2); nowhere else in the project.

Names and their order are the wire's. What we cannot know is null.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field, structs

#: The version of the API's original that the answers name.
VERSION = "5.8.9"

Qos = Literal[0, 1, 2]
Bit = Literal[0, 1]
Role = Literal["administrator", "viewer", "publisher"]
PageNumber = Annotated[int, Meta(ge=1)]
PageLimit = Annotated[int, Meta(ge=1, le=10_000)]


class Error(Struct):
    """The body of a failure. `reason` repeats `message`: the document's example and its text differ (contract §1.2)."""

    code: str
    message: str
    reason: str


class ErrorCode(Struct):
    code: str
    description: str


class PageMeta(Struct):
    page: int
    limit: int
    count: int
    hasnext: bool


class Paged(Struct):
    """The parameters of every listing."""

    page: PageNumber = 1
    limit: PageLimit = 100


# Login and keys (§2.1)


class Login(Struct):
    username: str
    password: str


class License(Struct):
    edition: str = "opensource"


class LoggedIn(Struct):
    token: str
    version: str
    license: License
    role: str


class Logout(Struct):
    username: str


class NewKey(Struct):
    name: Annotated[str, Meta(pattern=r"^[A-Za-z]+[A-Za-z0-9_-]*$(?!\n)", max_length=256)]
    expired_at: int | str = "infinity"
    desc: str = ""
    enable: bool = True
    role: Role = "administrator"


class KeyChange(Struct):
    """What is absent of `desc` and `enable` stays; of the others it goes back to the default."""

    expired_at: int | str = "infinity"
    desc: str | UnsetType = UNSET
    enable: bool | UnsetType = UNSET
    role: Role = "administrator"


class Key(Struct):
    name: str
    api_key: str
    created_at: str
    expired_at: str
    expired: bool
    enable: bool
    desc: str
    role: str
    api_secret: str | UnsetType = UNSET
    """Shown once, in the answer to the request that made the key."""


# Nodes (§2.2)


class StatusQuery(Struct):
    format: Literal["text", "json"] = "text"


class Status(Struct):
    node_name: str
    rel_vsn: str
    broker_status: Literal["started", "stopped"]
    app_status: Literal["running", "not_running"]


class Node(Struct):
    node: str
    node_status: Literal["running", "stopped"]
    version: str
    edition: str
    role: str
    uptime: int
    connections: int
    live_connections: int
    cluster_sessions: int
    load1: float
    load5: float
    load15: float
    max_fds: int
    memory_total: str
    memory_used: str
    process_available: int
    process_used: int
    otp_release: str
    sys_path: str
    log_path: str


class Aggregate(Struct):
    aggregate: bool = False
    node: str | None = None


Numbers = dict[str, int]
NodeNumbers = dict[str, int | str]

_METRICS = """
bytes.received bytes.sent packets.received packets.sent packets.connect.received packets.connack.sent
packets.connack.error packets.connack.auth_error packets.publish.received packets.publish.sent
packets.publish.inuse packets.publish.error packets.publish.auth_error packets.publish.dropped
packets.puback.received packets.puback.sent packets.puback.inuse packets.puback.missed packets.pubrec.received
packets.pubrec.sent packets.pubrec.inuse packets.pubrec.missed packets.pubrel.received packets.pubrel.sent
packets.pubrel.missed packets.pubcomp.received packets.pubcomp.sent packets.pubcomp.inuse
packets.pubcomp.missed packets.subscribe.received packets.subscribe.error packets.subscribe.auth_error
packets.suback.sent packets.unsubscribe.received packets.unsubscribe.error packets.unsuback.sent
packets.pingreq.received packets.pingresp.sent packets.disconnect.received packets.disconnect.sent
packets.auth.received packets.auth.sent messages.received messages.sent messages.publish messages.dropped
messages.forward messages.delayed messages.delivered messages.acked messages.persisted messages.qos0.received
messages.qos0.sent messages.qos1.received messages.qos1.sent messages.qos2.received messages.qos2.sent
messages.dropped.await_pubrel_timeout messages.dropped.no_subscribers messages.validation_succeeded
messages.validation_failed messages.transformation_succeeded messages.transformation_failed delivery.dropped
delivery.dropped.no_local delivery.dropped.too_large delivery.dropped.qos0_msg delivery.dropped.queue_full
delivery.dropped.expired client.connect client.connack client.connected client.authenticate
client.auth.anonymous client.authorize client.subscribe client.unsubscribe client.disconnected session.created
session.resumed session.takenover session.discarded session.terminated authorization.allow authorization.deny
authorization.cache_hit authorization.cache_miss authorization.superuser authorization.nomatch
authorization.matched.allow authorization.matched.deny authentication.success authentication.success.anonymous
authentication.failure overload_protection.delay.ok overload_protection.delay.timeout
overload_protection.hibernation overload_protection.gc overload_protection.new_conn
"""

#: Every key of `/metrics`, in its order (contract §2.9).
METRICS = tuple(_METRICS.split())

#: Every gauge of `/stats`; each has a `.count` and a `.max`.
STATS = (
    "channels",
    "connections",
    "live_connections",
    "sessions",
    "cluster_sessions",
    "topics",
    "suboptions",
    "subscribers",
    "subscriptions",
    "subscriptions.shared",
    "retained",
    "delayed",
)


# Clients (§2.3)


class ClientQuery(Paged):
    node: str | None = None
    username: list[str] = []
    clientid: list[str] = []
    ip_address: str | None = None
    conn_state: Literal["connected", "idle", "disconnected"] | None = None
    clean_start: bool | None = None
    proto_ver: int | None = None
    like_clientid: str | None = None
    like_username: str | None = None
    gte_created_at: str | None = None
    lte_created_at: str | None = None
    gte_connected_at: str | None = None
    lte_connected_at: str | None = None
    fields: str = "all"


def _dotted(name: str) -> Any:
    return field(name=name, default=0)


class Client(Struct):
    """One client; names with a dot are flat keys."""

    clientid: str
    username: str | None
    node: str
    ip_address: str | None
    port: int | None
    peerport: int | None
    listener: str | None
    proto_name: str | None
    proto_ver: int | None
    keepalive: int
    clean_start: bool
    expiry_interval: int
    is_persistent: bool
    connected: bool
    connected_at: str
    created_at: str
    subscriptions_cnt: int
    subscriptions_max: int | str
    inflight_cnt: int
    inflight_max: int
    mqueue_len: int
    mqueue_max: int | str
    mqueue_dropped: int
    awaiting_rel_cnt: int
    awaiting_rel_max: int
    disconnected_at: str | UnsetType = UNSET
    mountpoint: str | None = None
    client_attrs: dict[str, str] = {}
    enable_authn: bool = True
    is_bridge: bool = False
    durable: bool = False
    is_expired: bool = False
    recv_oct: int = 0
    recv_cnt: int = 0
    recv_pkt: int = 0
    recv_msg: int = 0
    recv_msg_qos0: int = _dotted("recv_msg.qos0")
    recv_msg_qos1: int = _dotted("recv_msg.qos1")
    recv_msg_qos2: int = _dotted("recv_msg.qos2")
    recv_msg_dropped: int = _dotted("recv_msg.dropped")
    recv_msg_dropped_timeout: int = _dotted("recv_msg.dropped.await_pubrel_timeout")
    send_oct: int = 0
    send_cnt: int = 0
    send_pkt: int = 0
    send_msg: int = 0
    send_msg_qos0: int = _dotted("send_msg.qos0")
    send_msg_qos1: int = _dotted("send_msg.qos1")
    send_msg_qos2: int = _dotted("send_msg.qos2")
    send_msg_dropped: int = _dotted("send_msg.dropped")
    send_msg_dropped_expired: int = _dotted("send_msg.dropped.expired")
    send_msg_dropped_full: int = _dotted("send_msg.dropped.queue_full")
    send_msg_dropped_large: int = _dotted("send_msg.dropped.too_large")
    heap_size: int = 0
    mailbox_len: int = 0
    reductions: int = 0


#: What `fields` may name: contract §2.3 leaves four out.
CLIENT_FIELDS = frozenset(each.encode_name for each in structs.fields(Client)) - {
    "enable_authn",
    "is_persistent",
    "listener",
    "peerport",
}


class ClientPage(Struct):
    data: list[Client]
    meta: PageMeta


class NewSubscription(Struct):
    topic: str
    qos: Qos = 0
    nl: Bit = 0
    rap: Bit = 0
    rh: Qos = 0


class OldSubscription(Struct):
    topic: str


class ClientSubscription(Struct):
    clientid: str
    node: str
    topic: str
    qos: int
    nl: int
    rap: int
    rh: int


# Subscriptions and routes (§2.4)


class SubscriptionQuery(Paged):
    node: str | None = None
    clientid: str | None = None
    qos: Qos | None = None
    topic: str | None = None
    match_topic: str | None = None
    share_group: str | None = None
    durable: bool | None = None


class Subscription(Struct):
    node: str
    topic: str
    clientid: str
    qos: int
    nl: int
    rap: int
    rh: int
    durable: bool = False


class SubscriptionPage(Struct):
    data: list[Subscription]
    meta: PageMeta


class TopicQuery(Paged):
    topic: str | None = None
    node: str | None = None


class Topic(Struct):
    topic: str
    node: str


class TopicPage(Struct):
    data: list[Topic]
    meta: PageMeta


# Publish (§2.5)


class PublishProperties(Struct):
    payload_format_indicator: Bit | None = None
    message_expiry_interval: Annotated[int, Meta(ge=0, le=0xFFFFFFFF)] | None = None
    response_topic: str | None = None
    correlation_data: str | None = None
    user_properties: dict[str, str] = {}
    content_type: str | None = None


class Publish(Struct):
    topic: str
    payload: str
    qos: Qos = 0
    retain: bool = False
    payload_encoding: Literal["plain", "base64"] = "plain"
    properties: PublishProperties | None = None


class Published(Struct):
    id: str


class NotPublished(Struct):
    """No `code` here, unlike every other failure."""

    reason_code: int
    message: str


#: One entry of the answer to many: what `Published` or `NotPublished` has.
Outcome = dict[str, int | str]

"""Clients, and how to subscribe and unsubscribe them (contract §2.3)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field, structs

from folkmoot.surfaces.mqtt.schema.paging import Paged, PageLimit, PageMeta
from folkmoot.surfaces.mqtt.schema.words import Bit, Qos


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


class ClientCursorQuery(ClientQuery):
    cursor: str | None = None


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
    enable_authn: bool | str = True
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


class CursorMeta(Struct):
    count: int
    cursor: str | UnsetType = UNSET


class ClientCursorPage(Struct):
    data: list[Client]
    meta: CursorMeta


class NewKeepalive(Struct):
    interval: Annotated[int, Meta(ge=0, le=65_535)]


class SessionsQuery(Struct):
    since: Annotated[int, Meta(ge=0, le=1 << 53)] = 0


class WaitingQuery(Struct):
    """Of messages that wait for a client, or are on their way to it."""

    position: str = "none"
    limit: PageLimit = 100
    payload: Literal["none", "base64", "plain"] = "base64"
    max_payload_bytes: str = "1MB"


class WaitingMessage(Struct):
    msgid: str
    topic: str
    qos: int
    publish_at: int
    from_clientid: str
    from_username: str | None
    inserted_at: str
    payload: str | UnsetType = UNSET
    mqueue_priority: int | UnsetType = UNSET


class PositionMeta(Struct):
    start: str
    position: str


class WaitingPage(Struct):
    data: list[WaitingMessage]
    meta: PositionMeta


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
